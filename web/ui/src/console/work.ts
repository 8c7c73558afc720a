/** The middle: the posts of one state of one wall. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { duration } from "../duration.js";
import { filmOf } from "../media.js";
import type { Desk } from "./desk.js";
import { type IconName, STATE_ICONS, shape } from "./icons.js";
import { VIEW_KEYS } from "./keys.js";
import { countOf, wallOf } from "./model.js";
import { altOf, blurOf, focusOf, renditionFor } from "./picture.js";
import { type Post, STATES, type State } from "./types.js";
import { ago, fullTime, networkWord, STATE_WORDS, shortCount } from "./words.js";

const OUTLINES = 12;

export function workPane(desk: Desk, now: number): TemplateResult {
  const { model } = desk;
  const posts = desk.posts;
  return html`<main class="work">
    <header class="bar">
      <button class="plain only-narrow" aria-label="Walls and searches" @click=${() => desk.change({ type: "over", over: "left" })}>
        ${shape("menu")}
      </button>
      <h2 class=${model.view}>${shape(STATE_ICONS[model.view])}${STATE_WORDS[model.view]}</h2>
      <span class="count">${model.overview === null ? "" : shortCount(countOf(model, model.view))}</span>
      <span class="of">${wallOf(model)?.title ?? ""}</span>
      ${
        model.live === "lost"
          ? html`<span class="not-live only-narrow" role="status">${shape("alert")}Not live</span>`
          : nothing
      }
      <button class="plain hint" @click=${() => desk.change({ type: "dialog", dialog: "keys" })}>
        Keys<kbd aria-hidden="true">?</kbd>
      </button>
    </header>
    ${tabs(desk)} ${trouble(desk)}
    <div class="posts scroll" tabindex="-1">
      ${
        model.posts === null
          ? outlines()
          : posts.length === 0
            ? empty(desk)
            : html`<ul class="grid" role="listbox" aria-label="${STATE_WORDS[model.view]} posts">
                ${repeat(
                  posts,
                  (post) => post.id,
                  (post) => card(desk, post, now),
                )}
              </ul>`
      }
      ${
        model.next === null
          ? nothing
          : html`<button class="more" ?disabled=${model.more} @click=${() => desk.readMore()}>
              ${model.more ? "Reading…" : "Older posts"}
            </button>`
      }
    </div>
  </main>`;
}

/** The states once more, for screens without a left column. */
function tabs(desk: Desk): TemplateResult {
  return html`<div class="tabs only-narrow" role="group" aria-label="States">
    ${STATES.map(
      (state) => html`<button
        class=${state}
        aria-pressed=${desk.model.view === state}
        @click=${() => desk.look(state)}
      >
        ${STATE_WORDS[state]} <span>${shortCount(countOf(desk.model, state))}</span>
      </button>`,
    )}
  </div>`;
}

function trouble(desk: Desk): TemplateResult | typeof nothing {
  const { problem } = desk.model;
  if (problem === null) return nothing;
  return html`<div class="banner" role="alert">
    ${shape("alert")}
    <p>
      <strong>${problem.sentence}</strong>
      The wall goes on showing what it has. What you see here may be old.
    </p>
    <button @click=${() => desk.readAll()}>Try again</button>
  </div>`;
}

function card(desk: Desk, post: Post, now: number): TemplateResult {
  const chosen = (desk.model.from ?? desk.model.selected) === post.id;
  const busy = desk.model.deeds.some((deed) => deed.post.id === post.id);
  const first = post.media[0];
  const rendition = first ? renditionFor(first, 320) : null;
  const blur = first ? blurOf(first) : null;
  return html`<li
    class="card ${busy ? "busy" : ""}"
    role="option"
    id="post-${post.id}"
    aria-selected=${chosen}
    aria-busy=${busy}
    tabindex=${chosen ? 0 : -1}
    @click=${() => {
      desk.change({ type: "select", id: post.id });
      desk.change({ type: "over", over: "post" });
    }}
  >
    <div class="thumb" .style=${blur ? `background-image: url(${blur})` : ""}>
      ${
        first && rendition
          ? html`<img
              src=${rendition.url}
              alt=${altOf(first)}
              loading="lazy"
              decoding="async"
              draggable="false"
              .style=${`object-position: ${focusOf(first)}`}
              @load=${(event: Event) => (event.target as HTMLElement).classList.remove("gone")}
              @error=${(event: Event) => (event.target as HTMLElement).classList.add("gone")}
            />`
          : html`<span class="none">${shape(post.state === "failed" ? "alert" : "arriving")}</span>`
      }
      ${
        post.media.length > 1
          ? html`<span class="badge">${shape("pictures")}${post.media.length}<em class="unseen">pictures</em></span>`
          : first && filmOf(first)
            ? html`<span class="badge">${shape("play")}${first.duration ? duration(first.duration * 1_000) : "Video"}</span>`
            : nothing
      }
      ${
        post.similar.length > 0
          ? html`<span class="badge alike-badge" title="Looks like another picture">
              ${shape("alike")}<em class="unseen">looks like another picture</em>
            </span>`
          : nothing
      }
      ${post.shown && post.state === "pending" ? html`<span class="badge left-badge">Edited</span>` : nothing}
    </div>
    <div class="caption">
      <div class="by">
        <bdi class="author">${post.author.name || post.author.handle}</bdi>
        <time datetime=${post.received} title=${fullTime(post.received)}>${ago(post.received, now)}</time>
      </div>
      <p dir="auto">${post.state === "failed" && post.reason ? post.reason : post.text || post.author.handle}</p>
      <span class="unseen">${networkWord(post.source)}</span>
    </div>
  </li>`;
}

function outlines(): TemplateResult {
  return html`<ul class="grid outline" aria-hidden="true">
    ${Array.from({ length: OUTLINES }, () => html`<li class="card"><div class="thumb"></div><i></i><i></i></li>`)}
  </ul>`;
}

interface Emptiness {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  readonly button: { readonly word: string; readonly key: string; readonly press: () => void } | null;
}

function empty(desk: Desk): TemplateResult {
  const { icon, title, text, button } = emptiness(desk);
  return html`<div class="nothing ${desk.model.view}">
    ${shape(icon)}
    <h3>${title}</h3>
    <p>${text}</p>
    ${button ? html`<button class="strong" @click=${button.press}>${button.word}<kbd aria-hidden="true">${button.key}</kbd></button>` : nothing}
  </div>`;
}

function emptiness(desk: Desk): Emptiness {
  const { model } = desk;
  const wall = wallOf(model);
  const searches = model.searches?.filter((search) => search.wall === model.wall) ?? [];
  const look = (state: State, word: string) => ({
    word,
    key: VIEW_KEYS[state],
    press: () => desk.look(state),
  });
  const add = {
    word: "Add a search",
    key: "/",
    press: () => desk.change({ type: "dialog", dialog: "add-search" }),
  };
  const counted = wall === null ? 0 : Object.values(wall.counts).reduce((sum, count) => sum + count, 0);
  if (counted === 0) {
    return searches.some((search) => search.enabled)
      ? {
          icon: "arriving",
          title: "Nothing has arrived yet",
          text: "Searches are running. Posts with pictures appear here as soon as they are found.",
          button: null,
        }
      : {
          icon: "plus",
          title: "Tell this wall what to look for",
          text: "A search finds posts with pictures and brings them here, from now on, by itself.",
          button: add,
        };
  }
  const calm: Readonly<Record<State, Emptiness>> = {
    pending: {
      icon: "check",
      title: "All done",
      text:
        wall?.policy === "open"
          ? "This wall is open: new posts appear on it at once. To see them here first, switch it to hold."
          : "Every post has been decided. New ones appear here by themselves.",
      button: look("approved", "See what is on the wall"),
    },
    approved: {
      icon: "check",
      title: "The wall is empty",
      text: "Approve posts, and they appear on it within a second.",
      button: look("pending", "Go to pending posts"),
    },
    rejected: {
      icon: "minus",
      title: "Nothing was rejected",
      text: "Posts you reject wait here, in case you change your mind.",
      button: look("pending", "Go to pending posts"),
    },
    removed: {
      icon: "cross",
      title: "Nothing was removed",
      text: "What is taken off the wall stays here, and can be restored.",
      button: look("approved", "See what is on the wall"),
    },
    failed: {
      icon: "check",
      title: "Nothing failed",
      text: "Posts whose pictures can’t be shown come here, each with its reason.",
      button: look("pending", "Go to pending posts"),
    },
    received: {
      icon: "arriving",
      title: "Nothing on its way",
      text: "Posts stay here only for the moment in which their pictures are made.",
      button: look("pending", "Go to pending posts"),
    },
  };
  return calm[model.view];
}
