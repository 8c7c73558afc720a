/** What became of what a guest has added, and the way to take it back. */

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { isOpen } from "../uploads.js";
import { Failed, type GuestApi } from "./api.js";
import { STATE_ICONS, shape } from "./icons.js";
import type { Guest } from "./keeping.js";
import { addPath, type Place, receiptPath, wallPath } from "./places.js";
import type { GuestWall, Upload } from "./types.js";
import { Watching } from "./watching.js";
import { mayWithdraw, momentWord, STATE_WORDS } from "./words.js";

export interface ReceiptOptions {
  readonly place: Place;
  readonly guest: Guest;
  readonly api: GuestApi;
}

const COPIED_MS = 2_000;

export class ReceiptPage extends LitElement {
  options: ReceiptOptions | null = null;
  #wall: GuestWall | null = null;
  /** Null until they were read. */
  #uploads: readonly Upload[] | null = null;
  #problem: "unreachable" | "nothing" | null = null;
  /** The upload whose withdrawal is being asked about, and what is on its way. */
  #asked: string | null = null;
  /** Thumbnails' addresses: each answer has new ones, and what is on the screen already needs none. */
  readonly #sights = new Map<string, string>();
  #sending: string | null = null;
  #trouble: string | null = null;
  #copied = false;
  #watching: Watching | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const options = this.options;
    if (options === null) return;
    document.title = "Your pictures";
    this.#watching = new Watching(
      () => this.#read(options),
      (uploads) => this.#told(uploads),
      (error) => this.#failed(error),
    );
    this.#watching.soon();
    if (options.place.page !== "upload")
      options.api.wall().then(
        (wall) => {
          this.#wall = wall;
          if (wall) document.title = `Your pictures · ${wall.title}`;
          this.requestUpdate();
        },
        // Its title is missing then, and nothing else.
        () => {},
      );
    addEventListener("online", () => this.#watching?.soon());
  }

  async #read({ place, api }: ReceiptOptions): Promise<readonly Upload[]> {
    return place.page === "upload" ? [await api.look(place.id, place.key)] : api.list();
  }

  protected override render(): TemplateResult {
    return html`
      <div class="light" aria-hidden="true"></div>
      ${this.#bar()}
      <main class="receipt">${this.#main()}</main>
    `;
  }

  #bar(): TemplateResult {
    const place = this.options?.place;
    if (place === undefined || place.page === "upload")
      return html`<header class="bar"><span class="of"></span></header>`;
    const uploads = this.#wall?.uploads ?? null;
    const more = uploads !== null && isOpen(uploads, Date.now() + (this.#wall?.ahead ?? 0));
    return html`<header class="bar">
      ${
        this.#wall && uploads?.only !== true
          ? html`<a class="of plain" href=${wallPath(place.slug, place.key)}>${shape("back")}<span dir="auto">${this.#wall.title}</span></a>`
          : html`<span class="of" dir="auto">${this.#wall?.title ?? ""}</span>`
      }
      ${more ? html`<a class="plain" href=${addPath(place.slug, place.key)}>Add more</a>` : nothing}
    </header>`;
  }

  #main(): TemplateResult {
    if (this.#uploads === null) {
      if (this.#problem === "nothing")
        return hero("Nothing to see here", "This link shows nothing. It may have been copied only in part.");
      if (this.#problem === "unreachable")
        return hero("One moment", "The wall can’t be reached from here. This page keeps trying.");
      return html`<section class="hero" aria-busy="true"></section>`;
    }
    const shown = this.#uploads.filter(({ state }) => state !== "leased" && state !== "aborted");
    if (shown.length === 0)
      return hero("Nothing here yet", "What you add to the wall stands here, and can be taken back here.");
    const single = this.options?.place.page === "upload";
    return html`
      <section class="head">
        <h1>${single ? "Your picture" : "Your pictures"}</h1>
        <p>This page is yours alone. ${single ? "It is" : "They are"} shown to nobody before the wall shows ${single ? "it" : "them"}.</p>
        ${single ? nothing : this.#keep()}
      </section>
      ${this.#problem === "unreachable" ? html`<p class="stale" role="status">${shape("clock")}Not up to date: the wall can’t be reached.</p>` : nothing}
      <ul class=${single ? "cards single" : "cards"}>
        ${repeat(
          shown,
          (upload) => upload.id,
          (upload) => this.#card(upload),
        )}
      </ul>
    `;
  }

  #keep(): TemplateResult {
    return html`<button class="quiet" @click=${() => void this.#copy()}>
      ${shape("link")}${this.#copied ? "Copied" : "Copy your private link"}
    </button>`;
  }

  #card(upload: Upload): TemplateResult {
    const { id, state, caption, name } = upload;
    const sight = this.#sights.get(id) ?? null;
    const asked = this.#asked === id;
    return html`<li class="card ${state}">
      <div class="sight">
        ${
          sight === null
            ? html`<span class="none">${shape(STATE_ICONS[state])}</span>`
            : html`<img
                src=${sight}
                alt=${caption || name}
                loading="lazy"
                draggable="false"
                @error=${() => this.#sights.delete(id)}
              />`
        }
      </div>
      <p class="state">${shape(STATE_ICONS[state])}<b>${STATE_WORDS[state]}</b></p>
      ${caption ? html`<p class="said" dir="auto">${caption}</p>` : nothing}
      ${this.#more(upload) ? html`<p class="why">${this.#more(upload)}</p>` : nothing}
      ${
        mayWithdraw(state)
          ? html`<button class="quiet withdraw" aria-label="Withdraw ${caption || name}" @click=${() => this.#about(id)}>Withdraw</button>`
          : nothing
      }
      ${asked ? this.#confirm(upload) : nothing}
    </li>`;
  }

  #more(upload: Upload): string {
    if (upload.state === "later" && upload.shownFrom !== null)
      return `From ${momentWord(upload.shownFrom)} on.`;
    return upload.reason ?? "";
  }

  #confirm({ id }: Upload): TemplateResult {
    const sending = this.#sending === id;
    return html`<div class="confirm" role="alertdialog" aria-label="Withdraw this picture?">
      <p>${this.#trouble ?? "It leaves every screen at once and can’t be brought back."}</p>
      <button class="first danger" ?disabled=${sending} @click=${() => void this.#withdraw(id)}>
        ${sending ? "Withdrawing…" : "Withdraw"}
      </button>
      <button class="second" ?disabled=${sending} @click=${() => this.#about(null)}>Keep</button>
    </div>`;
  }

  protected override updated(): void {
    if (this.#asked === null || this.contains(document.activeElement?.closest(".confirm") ?? null)) return;
    this.querySelector<HTMLElement>(".confirm .second")?.focus({ preventScroll: true });
  }

  #about(id: string | null): void {
    this.#asked = id;
    this.#trouble = null;
    this.requestUpdate();
  }

  async #withdraw(id: string): Promise<void> {
    const options = this.options;
    if (options === null) return;
    this.#sending = id;
    this.requestUpdate();
    const { place, api } = options;
    try {
      const upload = await api.withdraw(id, place.page === "upload" ? place.key : null);
      this.#told(this.#uploads?.map((one) => (one.id === id ? upload : one)) ?? [upload]);
      this.#about(null);
      this.#watching?.soon();
    } catch {
      this.#trouble = "That did not work: the wall can’t be reached. It is still there. Try again.";
    }
    this.#sending = null;
    this.requestUpdate();
  }

  async #copy(): Promise<void> {
    const { place, guest } = this.options ?? {};
    if (!guest || !place || place.page === "upload") return;
    const path = receiptPath(place.slug, place.key, guest.token);
    try {
      await navigator.clipboard.writeText(new URL(path, location.origin).href);
    } catch {
      // Without https a browser has no clipboard for pages: the address bar has the link then.
      history.replaceState(null, "", path);
      return;
    }
    this.#copied = true;
    this.requestUpdate();
    setTimeout(() => {
      this.#copied = false;
      this.requestUpdate();
    }, COPIED_MS);
  }

  #told(uploads: readonly Upload[]): void {
    this.#uploads = uploads;
    for (const { id, state, thumbnail } of uploads) {
      if (state === "withdrawn" || thumbnail === null) this.#sights.delete(id);
      else if (!this.#sights.has(id)) this.#sights.set(id, thumbnail);
    }
    this.#problem = null;
    this.requestUpdate();
  }

  #failed(error: unknown): void {
    const status = error instanceof Failed && error.failure.kind === "answer" ? error.failure.status : 0;
    this.#problem = status >= 400 && status < 500 ? "nothing" : "unreachable";
    this.requestUpdate();
  }
}

function hero(title: string, sentence: string): TemplateResult {
  return html`<section class="hero"><h1>${title}</h1><p>${sentence}</p></section>`;
}
