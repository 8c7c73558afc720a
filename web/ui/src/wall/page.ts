/** The wall page: stage, corner card, and the few words it ever says. */

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { createRef, ref } from "lit/directives/ref.js";
import { duration } from "../duration.js";
import { addPath, isOpen } from "../uploads.js";
import { ambientColours, lightUp } from "./ambient.js";
import { httpApi } from "./api.js";
import { type Corner, cornerFor, cornerOf } from "./corners.js";
import { exposeDebug } from "./debug.js";
import { Feed } from "./feed.js";
import type { FullView } from "./full.js";
import { invitation } from "./invitation.js";
import type { Viewport } from "./layout.js";
import { openStompLink } from "./link.js";
import { sourceMark } from "./marks.js";
import type { Piece } from "./pieces.js";
import { Stage } from "./stage.js";
import { openEventStream } from "./stream.js";
import { displayName, flowing, handleOf, relativeTime } from "./words.js";

const THEMES = new Set(["light", "contrast", "auto"]);
// A hand that has left the mouse alone for this long is watching.
const IDLE_MS = 3_000;
// Pixels between the card and the screen's edges, both sides together; at most, so that it never just touches.
const AIR = 48;

export class WallPage extends LitElement {
  readonly #slug = location.pathname.split("/").filter(Boolean).at(-1) ?? "main";
  // The key of a secret wall's link stands behind the #, which browsers send to nobody.
  readonly #key = new URLSearchParams(location.hash.slice(1)).get("key");
  readonly #feed = new Feed({
    slug: this.#slug,
    api: httpApi(this.#slug, this.#key),
    openLink: openStompLink,
    openStream: openEventStream,
  });
  readonly #stageHost = createRef<HTMLElement>();
  readonly #ambient = createRef<HTMLElement>();
  #stage: Stage | null = null;
  #paused = false;
  #inHand: Element | null = null;
  readonly #full = createRef<FullView>();
  /** Whether the full view was opened, or last used, from the keyboard. */
  #byKey = false;
  #corner: Corner = "top-left";
  /** Where the operator wants the card. */
  #wanted: Corner = "top-left";
  /** Pixels; as observed, since to ask for it amid changes would lay out the whole wall once more for each picture. */
  #cardSize: Viewport | null = null;
  readonly #cardSizes = new ResizeObserver(([entry]) => {
    const [box] = entry?.borderBoxSize ?? [];
    this.#cardSize = box === undefined ? null : { width: box.inlineSize, height: box.blockSize };
  });
  #idle: ReturnType<typeof setTimeout> | undefined;

  /** The page's style sheets apply here too: one set of tokens for everything. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    const host = this.#stageHost.value;
    if (host === undefined) return;
    const stage = new Stage(
      host,
      () => this.#feed.clock.now(),
      () => this.#tilesChanged(),
    );
    this.#stage = stage;
    this.#feed.onChange(() => {
      stage.update(this.#feed.state);
      this.#full.value?.refresh();
      this.requestUpdate();
    });
    this.#prepareFull(stage);
    host.addEventListener("click", (event) => this.#openFull(event.target as Element, false));
    exposeDebug(this.#feed, stage);
    setInterval(() => this.#feed.live || this.requestUpdate(), 1_000);
    addEventListener("keydown", (event) => this.#onKey(event));
    // Another key was pasted into the address: only a new page looks at it.
    addEventListener("hashchange", () => location.reload());
    host.addEventListener("focusin", (event) => this.#take(event.target as Element));
    host.addEventListener("focusout", () => this.#take(null));
    addEventListener("pointermove", () => this.#stir());
    addEventListener("pointerdown", () => this.#stir());
    this.#stir();
    this.#feed.start();
  }

  protected override render(): TemplateResult {
    const { state, info } = this.#feed;
    const title = state.view?.title ?? info?.wall.title ?? "";
    const empty = (this.#stage?.tiles.length ?? 0) === 0;
    const full = this.#stage?.full ?? false;
    const settings = state.view?.settings ?? info?.wall.settings ?? {};
    this.#dress(title, settings);
    return html`
      <div class=${full ? "ambient" : "ambient lit"} aria-hidden="true" ${ref(this.#ambient)}>
        <i></i><i></i><i></i><i></i>
      </div>
      <main class="stage" aria-label=${title ? `Pictures on ${title}` : "Pictures"} ${ref(this.#stageHost)}></main>
      ${empty ? this.#waiting(title) : nothing}
      ${empty ? nothing : this.#card(title, settings)}
      ${this.#sheet()}
      <div class="status">${this.#notLive()}${this.#pauseButton(empty)}</div>
      <frieze-full ${ref(this.#full)}></frieze-full>
    `;
  }

  /** The wall's name and the way to add to it, in one corner. */
  #card(title: string, settings: Readonly<Record<string, unknown>>): TemplateResult | typeof nothing {
    const invited = this.#invitation(settings);
    const wanted = cornerOf(settings["corner"]);
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#corner = wanted;
    }
    const named = title !== "" && settings["card"] !== false;
    if (!named && invited === null) return nothing;
    const looks = invited === null ? "" : settings["qr"] === false ? "inviting" : "inviting coded";
    return html`<aside class="card ${this.#corner} ${looks}" aria-label="This wall" ${ref(this.#observeCard)}>
      ${named ? html`<h1 dir="auto">${title}</h1>` : nothing} ${invited ?? nothing}
    </aside>`;
  }

  readonly #observeCard = (card: Element | undefined): void => {
    this.#cardSizes.disconnect();
    this.#cardSize = null;
    if (card !== undefined) this.#cardSizes.observe(card);
  };

  #invitation(settings: Readonly<Record<string, unknown>>): TemplateResult | null {
    const uploads = this.#feed.info?.uploads ?? null;
    if (uploads === null || !isOpen(uploads, this.#feed.clock.now())) return null;
    const path = addPath(this.#slug, uploads, this.#key);
    return invitation(new URL(path, location.origin), settings["qr"] !== false);
  }

  #waiting(title: string): TemplateResult {
    const { info, missing, refused, state } = this.#feed;
    if (refused !== null)
      return html`<section class="waiting"><h1>This wall can't be shown</h1><p>${refused}</p></section>`;
    if (missing) {
      return html`<section class="waiting"><h1>There is no wall “${this.#slug}”</h1>
        <p>Its address may have changed. This page keeps looking.</p></section>`;
    }
    if (state.cursor === null) return html`<section class="waiting"><h1 dir="auto">${title}</h1></section>`;
    const searches = info?.lookingFor ?? [];
    return html`<section class="waiting">
      ${this.#invitation(state.view?.settings ?? {}) ?? nothing}
      <h1 dir="auto">${title}</h1>
      <p>${searches.length > 0 ? "The first picture will appear here. Looking for" : "The first picture will appear here."}</p>
      ${
        searches.length > 0
          ? html`<ul>${searches.map((search) => html`<li dir="auto">${search}</li>`)}</ul>`
          : nothing
      }
    </section>`;
  }

  /** What a small tile has no room for, while it is in hand. */
  #sheet(): TemplateResult | typeof nothing {
    const tile = this.#stage?.tiles.find((one) => one.element === this.#inHand);
    if (!tile?.piece || tile.roomy) return nothing;
    const { post, number, of } = tile.piece;
    return html`<section class="sheet" aria-hidden="true">
      <div class="who">
        <span class="name" dir="auto">${displayName(post)}</span>
        <span class="handle" dir="auto">${handleOf(post)}</span>
        <span class="source">${sourceMark(post.source)}</span>
        <time class="when">${relativeTime(post.created, this.#feed.clock.now())}</time>
        ${of > 1 ? html`<span class="when">${number}/${of}</span>` : nothing}
      </div>
      <div class="text" dir="auto">${flowing(post.text)}</div>
    </section>`;
  }

  #notLive(): TemplateResult | typeof nothing {
    const feed = this.#feed;
    const since = Date.now() - feed.lastHeard;
    // A page that has just opened is on its way, not in trouble.
    if (feed.live || (since < 4_000 && feed.counts.connects < 2)) return nothing;
    return html`<p class="notlive"><span class="lamp"></span>Not live <time>${duration(since)}</time></p>`;
  }

  #pauseButton(empty: boolean): TemplateResult | typeof nothing {
    if (empty && !this.#paused) return nothing;
    const waiting = this.#stage?.arrivals.waiting ?? 0;
    return html`<button
      class=${this.#paused ? "pause on" : "pause"}
      aria-pressed=${this.#paused ? "true" : "false"}
      aria-keyshortcuts="p"
      @click=${() => this.#togglePause()}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d=${this.#paused ? "M4.500 2.800v10.400L13 8z" : "M4 3h3v10H4zM9 3h3v10H9z"}></path>
      </svg>
      ${this.#paused ? (waiting > 0 ? `Paused, ${waiting} new` : "Paused") : "Pause"}
    </button>`;
  }

  #togglePause(): void {
    this.#paused = !this.#paused;
    this.#stage?.pause(this.#paused);
    this.#stage?.playing.hold(this.#paused);
    this.requestUpdate();
  }

  #onKey(event: KeyboardEvent): void {
    this.#stir();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const presses = event.key === "Enter" || event.key === " ";
    if (presses && this.#openFull(event.target as Element, true)) {
      event.preventDefault();
      return;
    }
    const onControl = event.target instanceof HTMLButtonElement;
    if (event.key === "p" || (event.key === " " && !onControl)) {
      event.preventDefault();
      this.#togglePause();
    } else if (event.key === "Escape" && document.activeElement instanceof HTMLElement) {
      document.activeElement.blur();
    }
  }

  #prepareFull(stage: Stage): void {
    const full = this.#full.value;
    if (full === undefined) return;
    let last: Piece | null = null;
    full.options = {
      pieces: () => stage.pieces,
      now: () => this.#feed.clock.now(),
      download: (piece) => (this.#feed.state.view?.settings["downloads"] === true ? originalOf(piece) : null),
      changed: (piece) => {
        stage.playing.hold(piece !== null || this.#paused);
        if (piece === null) this.#returnTo(last);
        last = piece;
      },
    };
  }

  #openFull(target: Element, byKey: boolean): boolean {
    const element = target.closest<HTMLElement>(".tile");
    const { post, media } = element?.dataset ?? {};
    const piece = this.#stage?.pieces.find((one) => one.key === `${post}/${media}`);
    if (piece === undefined) return false;
    this.#byKey = byKey;
    this.#full.value?.open(piece);
    return true;
  }

  /** After the full view: keys go on from the picture last seen; a finger leaves nothing in hand. */
  #returnTo(piece: Piece | null): void {
    const tile = piece && this.#stage?.tileOf(piece.key);
    if (this.#byKey && tile) tile.element.focus({ preventScroll: true });
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }

  #take(element: Element | null): void {
    this.#inHand = element;
    this.requestUpdate();
  }

  /** Somebody is here: controls and pointer show for a while. */
  #stir(): void {
    this.classList.remove("idle");
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.classList.add("idle"), IDLE_MS);
  }

  #tilesChanged(): void {
    const element = this.#ambient.value;
    const hashes = this.#stage?.tiles.map((tile) => tile.piece?.media.thumbhash ?? null) ?? [];
    if (element) lightUp(element, ambientColours(hashes));
    this.#makeWay();
    this.requestUpdate();
  }

  /** The card stands on a picture; not on the newest one. */
  #makeWay(): void {
    const newest = this.#stage?.newest?.rect ?? null;
    if (this.#cardSize === null || newest === null) return;
    const size = { width: this.#cardSize.width + AIR, height: this.#cardSize.height + AIR };
    const screen = { width: innerWidth, height: innerHeight };
    this.#corner = cornerFor(this.#corner, this.#wanted, size, screen, newest);
  }

  #dress(title: string, settings: Readonly<Record<string, unknown>>): void {
    if (title) document.title = title;
    const wanted = new URLSearchParams(location.search).get("theme") ?? settings["theme"];
    if (typeof wanted === "string" && THEMES.has(wanted)) document.documentElement.dataset["theme"] = wanted;
    else delete document.documentElement.dataset["theme"];
  }
}

/** The address of the picture as it was taken, where the wall gives it away. */
function originalOf(piece: Piece): string | null {
  return `/media/${piece.media.id}/original`;
}
