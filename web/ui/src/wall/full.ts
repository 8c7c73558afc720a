/**
 * One picture in full, over the wall. It is a modal dialog, so that everything beneath is out of reach of keys and
 * screen readers; the browser's back button closes it, as people expect on a phone.
 */

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { createRef, ref } from "lit/directives/ref.js";
import { filmOf, type Rendition } from "../media.js";
import { drawBlur } from "./blur.js";
import { sourceMark } from "./marks.js";
import { animationOf, aspectOf, type Piece, wholesOf } from "./pieces.js";
import { beside, swipeOf } from "./viewing.js";
import { altText, displayName, handleOf, relativeTime } from "./words.js";

export interface FullOptions {
  /** All pieces there are now, newest first. */
  readonly pieces: () => readonly Piece[];
  readonly now: () => number;
  /** Where the original of a piece can be had, where the wall allows that. */
  readonly download: (piece: Piece) => string | null;
  /** It has opened, moved on to another piece, or closed (null). */
  readonly changed: (piece: Piece | null) => void;
}

export class FullView extends LitElement {
  options: FullOptions | null = null;
  #piece: Piece | null = null;
  #drawn: string | null = null;
  /** Pops of the history that we asked for ourselves. */
  #pops = 0;
  #from: { readonly x: number; readonly y: number } | null = null;
  readonly #dialog = createRef<HTMLDialogElement>();
  readonly #blur = createRef<HTMLCanvasElement>();
  readonly #picture = createRef<HTMLImageElement>();
  readonly #film = createRef<HTMLVideoElement>();

  get piece(): Piece | null {
    return this.#piece;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // A page that was loaded anew shows the wall, whatever stood open on it before.
    if (isOurs(history.state)) history.replaceState(null, "");
    addEventListener("popstate", () => {
      if (this.#pops > 0) this.#pops -= 1;
      else this.#shut();
    });
  }

  open(piece: Piece): void {
    if (this.#piece === null) history.pushState({ frieze: "full" }, "");
    this.#piece = piece;
    this.requestUpdate();
    this.options?.changed(piece);
  }

  close(): void {
    if (this.#piece === null) return;
    this.#shut();
    if (!isOurs(history.state)) return;
    this.#pops += 1;
    history.back();
  }

  /** The wall has changed: what is no longer on it is not shown a moment longer. */
  refresh(): void {
    const open = this.#piece;
    if (open === null) return;
    const current = this.options?.pieces().find((piece) => piece.key === open.key);
    if (current === undefined) this.close();
    else this.#piece = current;
    this.requestUpdate();
  }

  protected override render(): TemplateResult | typeof nothing {
    const piece = this.#piece;
    if (piece === null || this.options === null) return nothing;
    const film = filmOf(piece.media);
    return html`<dialog
      class="full"
      aria-label=${altText(piece)}
      ${ref(this.#dialog)}
      @cancel=${this.#onCancel}
      @close=${() => this.close()}
      @keydown=${this.#onKey}
      @pointerdown=${this.#onDown}
      @pointerup=${this.#onUp}
    >
      <div class="room" @click=${this.#onGround}>
        <div class="whole" .style=${`--aspect: ${aspectOf(piece.media)}`}>
          <canvas aria-hidden="true" ${ref(this.#blur)}></canvas>
          ${film ? html`<video controls playsinline ${ref(this.#film)}></video>` : html`<img draggable="false" ${ref(this.#picture)} />`}
        </div>
      </div>
      ${this.#words(piece)} ${this.#controls(piece)}
    </dialog>`;
  }

  protected override updated(): void {
    const dialog = this.#dialog.value;
    const piece = this.#piece;
    if (dialog === undefined || piece === null) {
      this.#drawn = null;
      return;
    }
    if (!dialog.open) dialog.showModal();
    if (this.#drawn === piece.key) return;
    this.#drawn = piece.key;
    const blur = this.#blur.value;
    if (blur) blur.hidden = !drawBlur(blur, piece.media.thumbhash);
    if (filmOf(piece.media)) this.#start(piece);
    else void this.#sharpen(piece);
  }

  #words(piece: Piece): TemplateResult {
    const { post, number, of } = piece;
    return html`<footer class="words">
      <div class="who">
        <span class="name" dir="auto">${displayName(post)}</span>
        <span class="handle" dir="auto">${handleOf(post)}</span>
        <span class="mark-of">${sourceMark(post.source)}</span>
        <time class="when" datetime=${new Date(post.created).toISOString()}>
          ${relativeTime(post.created, this.options?.now() ?? 0)}
        </time>
        ${of > 1 ? html`<span class="when">${number}/${of}</span>` : nothing}
      </div>
      ${post.text.trim() ? html`<p class="said" dir="auto">${post.text.trim()}</p>` : nothing}
      ${piece.media.alt.trim() ? html`<p class="alt" dir="auto">${piece.media.alt.trim()}</p>` : nothing}
    </footer>`;
  }

  #controls(piece: Piece): TemplateResult {
    const download = this.options?.download(piece) ?? null;
    const step = (by: 1 | -1, name: string, label: string, path: string) =>
      this.#beside(by)
        ? html`<button class="round ${name}" aria-label=${label} @click=${() => this.#step(by)}>
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${path}></path></svg>
          </button>`
        : nothing;
    return html`
      ${step(-1, "newer", "Newer picture", "m14.500 6-6 6 6 6")} ${step(1, "older", "Older picture", "m9.500 6 6 6-6 6")}
      <div class="corner-tools">
        ${
          download === null
            ? nothing
            : html`<a class="round" href=${download} download aria-label="Download">
                <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4.500v10m-4.500-4 4.500 4.500 4.500-4.500M5 19.500h14"></path></svg>
              </a>`
        }
        <button class="round" aria-label="Close" aria-keyshortcuts="Escape" autofocus @click=${() => this.close()}>
          <svg viewBox="0 0 24 24" aria-hidden="true"><path d="m6.500 6.500 11 11m0-11-11 11"></path></svg>
        </button>
      </div>
    `;
  }

  /** What is at hand at once, and what the screen deserves as soon as it is there. */
  async #sharpen(piece: Piece): Promise<void> {
    const image = this.#picture.value;
    if (image === undefined) return;
    image.alt = altText(piece);
    const candidates = wantedOf(piece);
    image.src = candidates.at(-1)?.url ?? "";
    const sharp = await firstThatDecodes(candidates.slice(0, -1));
    if (this.#piece?.key !== piece.key) return;
    if (sharp !== null) image.src = sharp;
    const next = this.#beside(1);
    if (next !== null && filmOf(next.media) === null) void firstThatDecodes(wantedOf(next));
  }

  #start(piece: Piece): void {
    const film = this.#film.value;
    const source = filmOf(piece.media);
    if (film === undefined || source === null) return;
    film.poster = wantedOf(piece)[0]?.url ?? "";
    film.src = source.url;
    film.setAttribute("aria-label", altText(piece));
    if (prefersStillness()) return;
    // The tap that opened it counts as the wish for sound; where a browser sees that otherwise, its controls are there.
    film.play().catch(() => {});
  }

  #shut(): void {
    if (this.#piece === null) return;
    this.#piece = null;
    const film = this.#film.value;
    if (film) {
      film.pause();
      film.removeAttribute("src");
      film.load();
    }
    const dialog = this.#dialog.value;
    if (dialog?.open) dialog.close();
    this.requestUpdate();
    this.options?.changed(null);
  }

  #step(by: 1 | -1): void {
    const next = this.#beside(by);
    if (next) this.open(next);
  }

  #beside(by: 1 | -1): Piece | null {
    const pieces = this.options?.pieces() ?? [];
    return this.#piece && beside(pieces, this.#piece.key, by);
  }

  #onCancel(event: Event): void {
    event.preventDefault();
    this.close();
  }

  #onKey(event: KeyboardEvent): void {
    // Keys of the wall beneath have no business here.
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const film = this.#film.value;
    const onFilm = film !== undefined && event.target === film;
    if (event.key === "ArrowRight" && !onFilm) this.#step(1);
    else if (event.key === "ArrowLeft" && !onFilm) this.#step(-1);
    else if (event.key === " " && film && !onFilm && !(event.target instanceof HTMLButtonElement)) {
      if (film.paused) film.play().catch(() => {});
      else film.pause();
    } else return;
    event.preventDefault();
  }

  #onGround(event: Event): void {
    if (event.target === event.currentTarget) this.close();
  }

  #onDown(event: PointerEvent): void {
    this.#from =
      event.isPrimary && event.pointerType === "touch" ? { x: event.clientX, y: event.clientY } : null;
  }

  #onUp(event: PointerEvent): void {
    const from = this.#from;
    this.#from = null;
    // A finger on a film's own controls is not turning pages, and one on an enlarged page is moving it.
    if (from === null || event.target instanceof HTMLVideoElement || (visualViewport?.scale ?? 1) > 1.01)
      return;
    const swipe = swipeOf(event.clientX - from.x, event.clientY - from.y);
    if (swipe === "older") this.#step(1);
    else if (swipe === "newer") this.#step(-1);
    else if (swipe === "close") this.close();
  }
}

function isOurs(state: unknown): boolean {
  return (state as { readonly frieze?: unknown } | null)?.frieze === "full";
}

function prefersStillness(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** What this screen should try to show of a piece, the best first; the last one is at hand. */
function wantedOf({ media }: Piece): Rendition[] {
  const stills = wholesOf(media, { width: innerWidth, height: innerHeight }, devicePixelRatio);
  const moving = prefersStillness() ? null : animationOf(media);
  return moving === null ? stills : [moving, ...stills.slice(-1)];
}

/** The address of the first that can be shown; null when none can, and what is there already stays. */
async function firstThatDecodes(renditions: readonly Rendition[]): Promise<string | null> {
  for (const { url } of renditions) {
    const image = new Image();
    image.src = url;
    try {
      await image.decode();
      return url;
    } catch {
      // Not made yet, or not to be had: the next smaller one.
    }
  }
  return null;
}
