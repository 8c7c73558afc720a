/** The right: the selected post, large, with its story and what can be done. */
import { html, nothing, type TemplateResult } from "lit";
import { filmOf, type Media, type Rendition } from "../media.js";
import type { Desk } from "./desk.js";
import { ACTION_ICONS, STATE_ICONS, shape } from "./icons.js";
import { ACTION_KEYS } from "./keys.js";
import { selectedPost } from "./model.js";
import { actionsOf } from "./moves.js";
import { altOf, blurOf, renditionFor } from "./picture.js";
import { similarPosts } from "./similar.js";
import type { Action, Post } from "./types.js";
import { ACTION_WORDS, fullTime, networkWord, PAST_WORDS, plural, STATE_WORDS, since } from "./words.js";

const LARGE_PIXELS = 1280;

export function detailPane(desk: Desk, now: number): TemplateResult {
  const post = selectedPost(desk.model);
  if (post === null) {
    return html`<aside class="detail idle" aria-label="Selected post">
      ${desk.posts.length === 0 ? nothing : html`<p>Select a post with <kbd>J</kbd> and <kbd>K</kbd>.</p>`}
    </aside>`;
  }
  const at = Math.min(desk.model.picture, Math.max(0, post.media.length - 1));
  return html`<aside class="detail" aria-label="Selected post">
    <header class="bar">
      ${
        desk.model.from === null
          ? html`<button
              class="plain only-narrow"
              aria-label="Back"
              @click=${() => desk.change({ type: "over", over: null })}
            >
              ${shape("back")}
            </button>`
          : html`<button class="plain return" aria-keyshortcuts="S" @click=${() => desk.visitSimilar()}>
              ${shape("back")}<span>Back</span><kbd aria-hidden="true">S</kbd>
            </button>`
      }
      <span class="state ${post.state}">${shape(STATE_ICONS[post.state])}${STATE_WORDS[post.state]}</span>
      ${
        post.state !== desk.model.view && desk.model.from === null
          ? html`<span class="moved">No longer ${STATE_WORDS[desk.model.view].toLowerCase()}</span>`
          : nothing
      }
      ${
        post.url
          ? html`<a class="plain" href=${post.url} target="_blank" rel="noopener noreferrer">
              ${networkWord(post.source)}${shape("link")}<span class="unseen">, opens a new tab</span>
            </a>`
          : html`<span class="source">${networkWord(post.source)}</span>`
      }
    </header>
    <div class="scroll">
      ${large(post.media[at] ?? null, post)} ${strip(desk, post, at)}
      <div class="words">
        ${author(post)}
        ${post.text ? html`<p class="text" dir="auto">${post.text}</p>` : nothing}
        ${
          post.media[at]?.alt
            ? html`<p class="alt"><span class="alt-word">Description</span> <bdi>${post.media[at].alt}</bdi></p>`
            : nothing
        }
        ${why(post)} ${similarPosts(desk, post, now)} ${story(desk, post, now)}
      </div>
    </div>
    ${buttons(desk, post)}
  </aside>`;
}

function large(media: Media | null, post: Post): TemplateResult {
  if (media === null) {
    const text = post.state === "failed" ? "No picture could be made." : "The pictures are on their way.";
    return html`<div class="large none">${shape(post.state === "failed" ? "alert" : "arriving")}<p>${text}</p></div>`;
  }
  const rendition = renditionFor(media, LARGE_PIXELS);
  const film = filmOf(media);
  // the place is as large as the picture will be, so that nothing jumps
  return html`<div class="large">
    <div
      class="frame"
      .style=${`aspect-ratio: ${media.width} / ${media.height}; --aspect: ${media.width / media.height}; ${blurStyle(media)}`}
    >
      ${film ? moving(film, media, rendition) : rendition ? still(rendition, media) : nothing}
      <p class="note">This can’t be loaded.</p>
    </div>
  </div>`;
}

function still(rendition: Rendition, media: Media): TemplateResult {
  return html`<img
    src=${rendition.url}
    alt=${altOf(media)}
    decoding="async"
    @load=${(event: Event) => (event.target as HTMLElement).classList.remove("gone")}
    @error=${(event: Event) => (event.target as HTMLElement).classList.add("gone")}
  />`;
}

/** Whoever approves a video can see all of it; nothing of it comes before it is wanted. */
function moving(film: Rendition, media: Media, poster: Rendition | null): TemplateResult {
  return html`<video
    src=${film.url}
    poster=${poster?.url ?? nothing}
    aria-label=${altOf(media)}
    controls
    playsinline
    preload="none"
    @loadstart=${(event: Event) => (event.target as HTMLElement).classList.remove("gone")}
    @error=${(event: Event) => (event.target as HTMLElement).classList.add("gone")}
  ></video>`;
}

function blurStyle(media: Media): string {
  const blur = blurOf(media);
  return blur ? `background-image: url(${blur})` : "";
}

function strip(desk: Desk, post: Post, at: number): TemplateResult | typeof nothing {
  if (post.media.length < 2) return nothing;
  return html`<div class="strip" role="group" aria-label=${plural(post.media.length, "picture", "pictures")}>
    ${post.media.map(
      (media, index) => html`<button
        aria-pressed=${index === at}
        aria-label="Picture ${index + 1} of ${post.media.length}"
        .style=${blurStyle(media)}
        @click=${() => desk.change({ type: "picture", index })}
      >
        <img
          src=${renditionFor(media, 100)?.url ?? ""}
          alt=""
          decoding="async"
          draggable="false"
          @load=${(event: Event) => (event.target as HTMLElement).classList.remove("gone")}
          @error=${(event: Event) => (event.target as HTMLElement).classList.add("gone")}
        />
      </button>`,
    )}
  </div>`;
}

function author(post: Post): TemplateResult {
  const { name, handle, avatar } = post.author;
  return html`<div class="author">
    ${
      avatar
        ? html`<img class="avatar" src=${avatar} alt="" />`
        : html`<span class="avatar letter" aria-hidden="true">${[...(name || handle)][0] ?? ""}</span>`
    }
    <div>
      <bdi class="name">${name || handle}</bdi>
      ${name ? html`<bdi class="handle">${handle}</bdi>` : nothing}
    </div>
  </div>`;
}

/** Reasons that are more than a line of the story: what failed, and why it is off the wall. */
function why(post: Post): TemplateResult | typeof nothing {
  const reasons = new Set([post.reason, ...post.media_errors].filter((reason) => reason));
  if (reasons.size === 0) return nothing;
  return html`<div class="why ${post.state}">
    ${[...reasons].map((reason) => html`<p>${shape(STATE_ICONS[post.state])}<span>${reason}</span></p>`)}
  </div>`;
}

function story(desk: Desk, post: Post, now: number): TemplateResult {
  const told = desk.model.story?.post.id === post.id ? desk.model.story : null;
  const line = (moment: string, text: TemplateResult | string, kind = "") => html`<li class=${kind}>
    <span>${text}</span><time datetime=${moment} title=${fullTime(moment)}>${since(moment, now)}</time>
  </li>`;
  const decided = told?.actions.some((action) => action.kind === "approve" || action.kind === "restore");
  return html`<section class="story">
    <h3>Story</h3>
    <ol>
      ${line(post.created, "Written by the author")} ${line(post.received, `Found on ${networkWord(post.source)}`)}
      ${post.ready ? line(post.ready, `${plural(post.media.length, "picture", "pictures")} ready`) : nothing}
      ${told?.actions.map((action) => line(action.at, deed(action), `${action.kind} by-operator`))}
      ${
        told && post.state === "approved" && !decided
          ? line(post.changed, "Shown at once: the wall was open", "approve")
          : nothing
      }
      ${
        post.shown && post.state === "pending"
          ? line(post.changed, "Edited by the author; the approved version is still on the wall")
          : nothing
      }
    </ol>
    ${post.revision > 1 ? html`<p class="facts">Revision ${post.revision}</p>` : nothing}
  </section>`;
}

function deed(action: Action): TemplateResult {
  const word = PAST_WORDS[action.kind];
  return html`<strong>${action.operator}</strong> ${action.kind === "retry" ? "tried it again" : `${word} it`}${
    action.reason ? html`: ${action.reason}` : nothing
  }`;
}

function buttons(desk: Desk, post: Post): TemplateResult | typeof nothing {
  const kinds = actionsOf(post);
  const busy = desk.model.deeds.some((deed) => deed.post.id === post.id);
  return html`<footer class="deeds">
    ${kinds.map(
      (
        kind,
      ) => html`<button class="deed ${kind}" aria-keyshortcuts=${ACTION_KEYS[kind]} ?disabled=${busy} @click=${() => desk.act(kind)}>
        ${shape(ACTION_ICONS[kind])}<span>${ACTION_WORDS[kind]}</span><kbd aria-hidden="true">${ACTION_KEYS[kind]}</kbd>
      </button>`,
    )}
  </footer>`;
}
