/** The page where guests add pictures and videos to a wall. A phone in one hand is who it is for. */

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { GuestApi } from "./api.js";
import { acceptOf, isVideo, kindsOf, refusalOf, sizeWord } from "./files.js";
import { shape } from "./icons.js";
import { type Guest, type Kept, keepName, nameOf } from "./keeping.js";
import { receiptPath, wallPath } from "./places.js";
import { previewOf } from "./preview.js";
import { isOpen, progressOf } from "./queue.js";
import { entryRow } from "./rows.js";
import { Sender, sha256 } from "./sender.js";
import type { GuestWall, Upload } from "./types.js";
import { Watching } from "./watching.js";
import { closedWords, countWords, nextWords, progressWords } from "./words.js";

export interface AddOptions {
  readonly slug: string;
  readonly key: string | null;
  readonly guest: Guest;
  readonly api: GuestApi;
  readonly storage: Kept | null;
}

const TICK_MS = 1_000;
const ASK_AGAIN_MS = 4_000;
const COPIED_MS = 2_000;
// docs/wire.md
const NAME_CHARACTERS = 80;

type Missing = "consent" | "name" | null;

export class AddPage extends LitElement {
  options: AddOptions | null = null;
  #wall: GuestWall | null = null;
  #state: "asking" | "there" | "nowhere" | "unreachable" = "asking";
  #sender: Sender | null = null;
  #watching: Watching | null = null;
  /** What this guest has added, here and before, newest first. */
  #uploads: readonly Upload[] = [];
  readonly #previews = new Map<number, string>();
  #missing: Missing = null;
  #over = 0;
  #copied = false;
  #awake: WakeLockSentinel | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const options = this.options;
    if (options === null) return;
    this.#sender = new Sender({
      api: options.api,
      hash: sha256,
      changed: () => this.#changed(),
      added: () => this.#watching?.soon(),
    });
    this.#sender.author = nameOf(options.storage);
    this.#watching = new Watching(
      () => options.api.list(),
      (uploads) => this.#told(uploads),
      () => {},
    );
    addEventListener("online", () => this.#back());
    addEventListener("offline", () => this.requestUpdate());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#back();
    });
    addEventListener("beforeunload", (event) => {
      if (this.#sender?.queue.some(isOpen)) event.preventDefault();
    });
    addEventListener("dragenter", (event) => this.#onDrag(event, 1));
    addEventListener("dragleave", (event) => this.#onDrag(event, -1));
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => this.#onDrop(event));
    addEventListener("paste", (event) => this.#take(event.clipboardData?.files));
    setInterval(() => this.requestUpdate(), TICK_MS);
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const options = this.options;
    if (options === null) return;
    try {
      this.#wall = await options.api.wall();
      this.#state = this.#wall === null ? "nowhere" : "there";
      if (this.#wall !== null) this.#watching?.soon();
    } catch {
      this.#state = "unreachable";
      setTimeout(() => void this.#ask(), ASK_AGAIN_MS);
    }
    if (this.#wall?.title) document.title = `Add your pictures · ${this.#wall.title}`;
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const queue = this.#sender?.queue ?? [];
    return html`
      <div class="light" aria-hidden="true"></div>
      ${this.#bar()}
      <main class=${queue.length > 0 ? "work" : "start"}>${this.#main()}</main>
      ${this.#dock()}
      ${this.#state === "there" ? this.#choosers() : nothing}
      <div class=${this.#over > 0 && this.#closed === null ? "drop over" : "drop"} aria-hidden="true"><p>Drop them here</p></div>
    `;
  }

  /** Not before it is known what the wall takes: what is chosen earlier would be dropped without a word. */
  #choosers(): TemplateResult {
    return html`
      <input id="choose" type="file" multiple hidden accept=${this.#accept} @change=${this.#onFiles} />
      <input id="take" type="file" hidden accept="image/*" capture="environment" @change=${this.#onFiles} />
    `;
  }

  #bar(): TemplateResult {
    const { slug, key } = this.options ?? { slug: "", key: null };
    const title = this.#wall?.title ?? "";
    const mine = this.#uploads.length;
    const only = this.#wall?.uploads?.only ?? true;
    return html`<header class="bar">
      ${
        title === "" || only
          ? html`<span class="of" dir="auto">${title}</span>`
          : html`<a class="of plain" href=${wallPath(slug, key)}>${shape("back")}<span dir="auto">${title}</span></a>`
      }
      ${mine > 0 ? html`<a class="plain" href=${receiptPath(slug, key)}>Your pictures <b>${mine}</b></a>` : nothing}
    </header>`;
  }

  #main(): TemplateResult | typeof nothing {
    if (this.#state === "asking") return html`<section class="hero" aria-busy="true"></section>`;
    if (this.#state === "unreachable")
      return this.#hero("One moment", "The wall can’t be reached from here. This page keeps trying.");
    if (this.#state === "nowhere" || this.#wall === null)
      return this.#hero("There is no such wall", "Its address may have changed. Scan its code again.");
    const closed = this.#closed;
    const queue = this.#sender?.queue ?? [];
    if (queue.length === 0) return closed === null ? this.#welcome() : this.#hero(closed, this.#closedMore());
    return html`${this.#result()} ${this.#list()} ${this.#form()}`;
  }

  #hero(title: string, sentence: string): TemplateResult {
    return html`<section class="hero"><h1>${title}</h1>${sentence ? html`<p>${sentence}</p>` : nothing}</section>`;
  }

  #closedMore(): string {
    return this.#uploads.length > 0 ? "What you have added is under “Your pictures”." : "";
  }

  #welcome(): TemplateResult {
    const uploads = this.#wall?.uploads;
    if (!uploads) return html``;
    return html`<section class="hero">
      <h1>Add your ${uploads.video ? "pictures and videos" : "pictures"}</h1>
      <p>They come to <strong dir="auto">${this.#wall?.title}</strong> right from your phone. No app, no account.</p>
      <p class="small">${kindsOf(uploads)}, up to ${sizeWord(uploads.imageBytes)}${
        uploads.video ? html`; videos up to ${sizeWord(uploads.videoBytes)}` : nothing
      }.</p>
      <p class="small only-wide">Or drop them anywhere on this page.</p>
    </section>`;
  }

  /** How far all of them are, and what happens next. */
  #result(): TemplateResult | typeof nothing {
    const queue = this.#sender?.queue ?? [];
    const progress = progressOf(queue);
    const words = progressWords(progress);
    const offline = !navigator.onLine && progress.open > 0;
    const done = progress.open === 0 && progress.added > 0;
    const states = queue.flatMap((entry) => (entry.step.at === "added" ? [entry.step.upload.state] : []));
    return html`<section class=${done ? "result done" : "result"} role="status" ?hidden=${words === "" && !offline}>
      ${done ? html`<span class="seal">${shape("check")}</span>` : nothing}
      <h1>${words}</h1>
      ${done ? html`<p>${nextWords(states, this.#wall?.uploads ?? null)}</p>` : nothing}
      ${done && progress.chosen === 0 ? this.#keep() : nothing}
      ${
        progress.open > 0
          ? html`<div class="whole-bar" .style=${`--part: ${progress.part}`}><i></i></div>
              <p>${offline ? "No network. It goes on by itself when there is one." : "Keep this page open until all are there."}</p>`
          : nothing
      }
    </section>`;
  }

  #keep(): TemplateResult {
    return html`<p class="keep">
      ${shape("lock")}<span>Your private link shows what you added and takes it back, on any device.</span>
      <button class="quiet" @click=${() => void this.#copy()}>${this.#copied ? "Copied" : "Copy link"}</button>
    </p>`;
  }

  #list(): TemplateResult {
    const sender = this.#sender;
    if (sender === null) return html``;
    const now = Date.now();
    return html`<ul class="files">
      ${repeat(
        sender.queue,
        (entry) => entry.id,
        (entry) =>
          entryRow({
            entry,
            now,
            preview: this.#previews.get(entry.id) ?? null,
            caption: (caption) => sender.caption(entry.id, caption),
            cancel: () => this.#drop(entry.id),
            again: () => sender.again(entry.id),
          }),
      )}
    </ul>`;
  }

  #form(): TemplateResult | typeof nothing {
    const uploads = this.#wall?.uploads;
    const sender = this.#sender;
    if (!uploads || sender === null || progressOf(sender.queue).chosen === 0) return nothing;
    return html`<section class="form">
      <label class="field">
        <span>Your name${uploads.nameRequired ? "" : html` <em>optional</em>`}</span>
        <input
          id="name"
          autocomplete="name"
          maxlength=${NAME_CHARACTERS}
          .value=${sender.author}
          aria-invalid=${this.#missing === "name"}
          @input=${(event: Event) => this.#name((event.target as HTMLInputElement).value)}
        />
      </label>
      ${this.#missing === "name" ? html`<p class="miss" role="alert">This wall shows a name beside each picture. Please add yours.</p>` : nothing}
      ${
        uploads.consent === ""
          ? nothing
          : html`<label class="consent">
              <input
                id="consent"
                type="checkbox"
                .checked=${sender.consent}
                aria-invalid=${this.#missing === "consent"}
                @change=${(event: Event) => this.#agree((event.target as HTMLInputElement).checked)}
              />
              <span class="box" aria-hidden="true">${shape("check")}</span>
              <span class="text" dir="auto">${uploads.consent}</span>
            </label>`
      }
      ${this.#missing === "consent" ? html`<p class="miss" role="alert">Please agree first, then they can be added.</p>` : nothing}
    </section>`;
  }

  /** What a thumb reaches. */
  #dock(): TemplateResult | typeof nothing {
    if (this.#state !== "there" || this.#sender === null) return nothing;
    const { chosen, open, added } = progressOf(this.#sender.queue);
    const closed = this.#closed !== null;
    const { slug, key } = this.options ?? { slug: "", key: null };
    if (closed && this.#sender.queue.length === 0) return nothing;
    if (chosen > 0)
      return html`<footer class="dock">
        <button class="second square" aria-label="Choose more" @click=${() => this.#press("choose")}>${shape("pictures")}</button>
        <button class="first" @click=${() => this.#start()}>Add ${this.#chosenWords()}</button>
      </footer>`;
    if (open > 0 || added > 0 || this.#sender.queue.length > 0)
      return html`<footer class="dock">
        ${closed ? nothing : html`<button class="second" @click=${() => this.#press("choose")}>${shape("pictures")}Add more</button>`}
        ${open === 0 && added > 0 ? html`<a class="first" href=${receiptPath(slug, key)}>Your pictures</a>` : nothing}
      </footer>`;
    return html`<footer class="dock">
      <button class="second only-touch" @click=${() => this.#press("take")}>${shape("camera")}Take one</button>
      <button class="first" @click=${() => this.#press("choose")}>${shape("pictures")}Choose pictures</button>
    </footer>`;
  }

  #chosenWords(): string {
    const chosen = (this.#sender?.queue ?? []).filter((entry) => entry.step.at === "chosen");
    return countWords(chosen.length, chosen.filter(isVideo).length);
  }

  #start(): void {
    const uploads = this.#wall?.uploads;
    const sender = this.#sender;
    if (!uploads || sender === null) return;
    const nameless = uploads.nameRequired && sender.author.trim() === "";
    this.#missing = nameless ? "name" : uploads.consent !== "" && !sender.consent ? "consent" : null;
    this.requestUpdate();
    if (this.#missing !== null) {
      const field = this.querySelector<HTMLElement>(`#${this.#missing}`);
      field?.focus({ preventScroll: true });
      field?.closest("label")?.scrollIntoView({ block: "center", behavior: "smooth" });
      return;
    }
    // Where there is nothing to agree to, pressing the button says enough.
    sender.consent ||= uploads.consent === "";
    if (this.options) keepName(this.options.storage, sender.author.trim());
    sender.start();
    scrollTo({ top: 0, behavior: "smooth" });
  }

  #press(input: "choose" | "take"): void {
    this.querySelector<HTMLInputElement>(`#${input}`)?.click();
  }

  #onFiles(event: Event): void {
    const input = event.target as HTMLInputElement;
    this.#take(input.files);
    // The same file may be chosen again after it was taken out.
    input.value = "";
  }

  #take(chosen: FileList | null | undefined): void {
    const uploads = this.#wall?.uploads;
    if (!uploads || !chosen || chosen.length === 0 || this.#closed !== null) return;
    for (const entry of this.#sender?.choose([...chosen], (file) => refusalOf(file, uploads)) ?? []) {
      const file = this.#sender?.fileOf(entry.id);
      if (file && entry.step.at === "chosen") void this.#preview(entry.id, file);
    }
  }

  async #preview(id: number, file: File): Promise<void> {
    const address = await previewOf(file, isVideo(file));
    if (address === null) return;
    if (this.#sender?.fileOf(id) === null) {
      URL.revokeObjectURL(address);
      return;
    }
    this.#previews.set(id, address);
    this.requestUpdate();
  }

  #drop(id: number): void {
    const address = this.#previews.get(id);
    if (address) URL.revokeObjectURL(address);
    this.#previews.delete(id);
    this.#sender?.cancel(id);
  }

  #onDrag(event: DragEvent, by: number): void {
    if (!event.dataTransfer?.types.includes("Files")) return;
    this.#over = Math.max(0, this.#over + by);
    this.requestUpdate();
  }

  #onDrop(event: DragEvent): void {
    event.preventDefault();
    this.#over = 0;
    this.#take(event.dataTransfer?.files);
    this.requestUpdate();
  }

  #name(name: string): void {
    if (this.#sender) this.#sender.author = name;
    if (this.#missing === "name") this.#missing = null;
    this.requestUpdate();
  }

  #agree(agreed: boolean): void {
    if (this.#sender) this.#sender.consent = agreed;
    if (this.#missing === "consent") this.#missing = null;
    this.requestUpdate();
  }

  async #copy(): Promise<void> {
    const { slug, key, guest } = this.options ?? {};
    if (slug === undefined || !guest) return;
    const address = new URL(receiptPath(slug, key ?? null, guest.token), location.origin).href;
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      // Without https a browser has no clipboard for pages: the link opens instead, to be kept from there.
      location.href = address;
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
    this.#uploads = uploads.filter((upload) => upload.state !== "leased" && upload.state !== "aborted");
    this.#sender?.told(uploads);
    this.requestUpdate();
  }

  #changed(): void {
    void this.#stayAwake(this.#sender?.queue.some(isOpen) ?? false);
    this.requestUpdate();
  }

  /** A phone that goes to sleep cuts its network: not while something is on its way. */
  async #stayAwake(wanted: boolean): Promise<void> {
    if (!("wakeLock" in navigator) || wanted === (this.#awake !== null)) return;
    if (!wanted) {
      await this.#awake?.release();
      this.#awake = null;
      return;
    }
    try {
      const lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => {
        this.#awake = null;
      });
      this.#awake = lock;
    } catch {
      // Low battery, or a page in the background: then it sleeps, and goes on when it is looked at again.
    }
  }

  #back(): void {
    this.#sender?.hurry();
    this.#changed();
  }

  get #accept(): string {
    const uploads = this.#wall?.uploads;
    return uploads ? acceptOf(uploads) : "image/*";
  }

  get #closed(): string | null {
    return closedWords(this.#wall?.uploads ?? null, Date.now() + (this.#wall?.ahead ?? 0));
  }
}
