/** The left column: walls, the states of the chosen one, its policy, its searches, and the parts. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Desk } from "./desk.js";
import { STATE_ICONS, shape } from "./icons.js";
import { VIEW_KEYS } from "./keys.js";
import { countOf, wallOf } from "./model.js";
import { type Part, type Policy, type Search, STATES, type State, type Wall } from "./types.js";
import { ago, fullTime, networkWord, POLICY_WORDS, STATE_WORDS, shortCount } from "./words.js";

export function leftPane(desk: Desk, now: number): TemplateResult {
  const { model } = desk;
  const walls = model.overview?.walls ?? [];
  return html`
    <nav class="left" aria-label="Walls and searches">
      <header class="brand">
        <span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>
        <h1>Frieze</h1>
        ${liveMark(desk)}
        <button class="plain only-narrow" aria-label="Close" @click=${() => desk.change({ type: "over", over: null })}>
          ${shape("close")}
        </button>
      </header>
      <div class="scroll">
        <section aria-label="Walls">
          ${walls.length > 1 ? html`<h2>Walls</h2>` : nothing}
          ${repeat(
            walls,
            (wall) => wall.slug,
            (wall) => wallRow(desk, wall, walls.length > 1),
          )}
          ${model.overview === null ? statesOutline() : nothing}
        </section>
        ${model.overview === null ? nothing : policySwitch(desk)} ${guests(desk)} ${secretLink(desk)} ${searches(desk, now)} ${parts(desk, now)}
      </div>
      <footer class="who">
        <span class="avatar letter" aria-hidden="true">${(model.overview?.operator ?? " ").charAt(0)}</span>
        <span class="name">${model.overview?.operator ?? ""}</span>
        <button class="plain" title="Sign out" aria-label="Sign out" @click=${() => desk.signOut()}>${shape("out")}</button>
      </footer>
    </nav>
  `;
}

function liveMark(desk: Desk): TemplateResult {
  const words = { connecting: "Connecting", live: "Live", lost: "Not live" };
  return html`<span class="live ${desk.model.live}" role="status">${words[desk.model.live]}</span>`;
}

function wallRow(desk: Desk, wall: Wall, several: boolean): TemplateResult {
  const chosen = wall.slug === desk.model.wall;
  const title = several
    ? html`<button
        class="row wall-row"
        aria-expanded=${chosen}
        @click=${() => desk.change({ type: "wall", slug: wall.slug })}
      >
        <span class="text">${wall.title}${lockOf(wall)}</span>
        ${
          !chosen && wall.counts.pending > 0
            ? html`<span class="count pending">${shortCount(wall.counts.pending)} <em>pending</em></span>`
            : nothing
        }
      </button>`
    : html`<h2 class="wall-title">${wall.title}${lockOf(wall)}</h2>`;
  return html`${title}${chosen ? html`<ul class="states">${STATES.map((state) => stateRow(desk, state))}</ul>` : nothing}`;
}

function stateRow(desk: Desk, state: State): TemplateResult {
  const chosen = desk.model.view === state;
  return html`<li>
    <button
      class="row ${state}"
      aria-current=${chosen ? "page" : "false"}
      aria-keyshortcuts=${VIEW_KEYS[state]}
      @click=${() => {
        desk.look(state);
        desk.change({ type: "over", over: null });
      }}
    >
      ${shape(STATE_ICONS[state])}
      <span class="text">${STATE_WORDS[state]}</span>
      <span class="count">${shortCount(countOf(desk.model, state))}</span>
      <kbd aria-hidden="true">${VIEW_KEYS[state]}</kbd>
    </button>
  </li>`;
}

function statesOutline(): TemplateResult {
  return html`<ul class="states outline" aria-hidden="true">
    ${STATES.map(() => html`<li><span class="row"><i></i></span></li>`)}
  </ul>`;
}

function policySwitch(desk: Desk): TemplateResult | typeof nothing {
  const wall = wallOf(desk.model);
  if (wall === null) return nothing;
  const option = (policy: Policy, word: string) => html`
    <button
      role="radio"
      aria-checked=${wall.policy === policy}
      tabindex=${wall.policy === policy ? 0 : -1}
      @click=${() => (wall.policy === policy ? undefined : desk.switchPolicy())}
    >
      ${word}
    </button>
  `;
  return html`<section class="policy">
    <h2>Policy <kbd aria-hidden="true">O</kbd></h2>
    <div
      class="segments"
      role="radiogroup"
      aria-label="Policy of the wall"
      @keydown=${(event: KeyboardEvent) => {
        if (!event.key.startsWith("Arrow")) return;
        event.preventDefault();
        event.stopPropagation();
        void desk.switchPolicy();
      }}
    >
      ${option("open", "Open")} ${option("hold", "Hold")}
    </div>
    <p>${POLICY_WORDS[wall.policy]}</p>
  </section>`;
}

function guests(desk: Desk): TemplateResult | typeof nothing {
  if (wallOf(desk.model) === null) return nothing;
  return html`<section class="guests" aria-label="Guests">
    <button
      class="row"
      aria-keyshortcuts="g"
      aria-haspopup="dialog"
      @click=${() => desk.change({ type: "dialog", dialog: "guests" })}
    >
      ${shape("guests")}<span class="text">Guests and viewers</span><kbd aria-hidden="true">G</kbd>
    </button>
  </section>`;
}

function lockOf(wall: Wall): TemplateResult | typeof nothing {
  if (wall.link === null) return nothing;
  return html`<span class="lock" role="img" aria-label="Secret wall" title="Only who has its link sees it">${shape("lock")}</span>`;
}

function secretLink(desk: Desk): TemplateResult | typeof nothing {
  const link = wallOf(desk.model)?.link ?? null;
  if (link === null) return nothing;
  const address = new URL(link, location.origin).href;
  return html`<section class="secret">
    <h2>Secret link</h2>
    <div class="line">
      <input
        readonly
        aria-label="Secret link of the wall"
        .value=${address}
        @focus=${(event: FocusEvent) => (event.target as HTMLInputElement).select()}
      />
      <button class="plain" @click=${(event: MouseEvent) => void copy(event.currentTarget as HTMLElement, address)}>Copy</button>
    </div>
    <p>Whoever has it sees the wall. <code>frieze wall link --renew</code> makes another.</p>
  </section>`;
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https a browser has no clipboard for pages: the link stands selected instead.
    button.parentElement?.querySelector("input")?.focus();
    return;
  }
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2_000);
}

function searches(desk: Desk, now: number): TemplateResult {
  const { searches, wall } = desk.model;
  const ours = searches?.filter((search) => search.wall === wall) ?? [];
  return html`<section class="searches">
    <h2>
      Searches
      <button class="plain add" @click=${() => desk.change({ type: "dialog", dialog: "add-search" })}>
        ${shape("plus")}<span>Add</span><kbd aria-hidden="true">/</kbd>
      </button>
    </h2>
    ${
      searches !== null && ours.length === 0
        ? html`<p class="empty">This wall looks for nothing yet. Add a search, and posts arrive here by themselves.</p>`
        : nothing
    }
    <ul>
      ${repeat(
        ours,
        (search) => search.id,
        (search) => searchRow(desk, search, now),
      )}
    </ul>
  </section>`;
}

function searchRow(desk: Desk, search: Search, now: number): TemplateResult {
  const toggle = search.enabled ? "Pause" : "Go on";
  return html`<li class="search ${search.enabled ? "" : "paused"}">
    <div class="line">
      <span class="query" title=${search.query}><bdi>${search.query}</bdi></span>
      <span class="tools">
        <button class="plain" title=${toggle} aria-label="${toggle}: ${search.query}" @click=${() => desk.pauseOrGoOn(search)}>
          ${shape(search.enabled ? "pause" : "play")}
        </button>
        <button class="plain" title="Remove" aria-label="Remove: ${search.query}" @click=${() => desk.removeSearch(search)}>
          ${shape("close")}
        </button>
      </span>
    </div>
    <div class="fares">
      <span class="network">${networkWord(search.network)}</span>
      ${
        search.enabled
          ? html`<span title=${search.swept_at ? fullTime(search.swept_at) : ""}>${result(search, now)}</span>`
          : html`<span>Paused</span>`
      }
    </div>
    ${
      search.error === null
        ? nothing
        : html`<p class="trouble">
            ${shape("alert")}<span>${search.error}${
              search.enabled && search.failures > 0 ? html` <em>${next(search, now)}</em>` : nothing
            }</span>
          </p>`
    }
  </li>`;
}

function result(search: Search, now: number): string {
  if (search.swept_at === null) return search.error === null ? "First look soon" : "No result yet";
  const when = ago(search.swept_at, now);
  return search.note ? `${search.note} · ${when}` : when;
}

function next(search: Search, now: number): string {
  const seconds = Math.round((Date.parse(search.next_at) - now) / 1000);
  if (seconds <= 1) return "Trying again now.";
  if (seconds < 90) return `Trying again in ${seconds} s.`;
  return `Trying again in ${Math.round(seconds / 60)} min.`;
}

function parts(desk: Desk, now: number): TemplateResult {
  const health = desk.model.overview?.health ?? [];
  return html`<section class="parts">
    <h2>Parts</h2>
    ${
      desk.model.overview !== null && health.length === 0
        ? html`<p class="empty">No part has reported yet. Parts report within a minute of starting.</p>`
        : nothing
    }
    <ul>
      ${repeat(
        health,
        (part) => part.part,
        (part) => partRow(part, now),
      )}
    </ul>
  </section>`;
}

function partRow(part: Part, now: number): TemplateResult {
  const well = part.ok && !part.silent;
  const word = part.silent
    ? `Silent for ${ago(part.at, now)}`
    : part.ok
      ? "Well"
      : `Trouble for ${ago(part.since, now)}`;
  // parts name themselves and the process they run in: `publisher host-812-1f`
  const [name, ...place] = part.part.split(" ");
  return html`<li class="part ${well ? "well" : part.silent ? "silent" : "bad"}">
    ${shape(well ? "check" : "alert")}
    <span class="text" title=${part.part}>${name}<small>${place.join(" ")}</small></span>
    <span class="word">${word}</span>
    <p>${part.sentence}</p>
  </li>`;
}
