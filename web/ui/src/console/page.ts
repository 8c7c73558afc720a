/** The console's page: three panes, keys, and what lies over them. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { Desk } from "./desk.js";
import { detailPane } from "./detail.js";
import { emptySheet, guestsSheet, openSheet } from "./guests.js";
import { type Command, commandOf } from "./keys.js";
import { leftPane } from "./left.js";
import { countOf, selectedPost, wallOf } from "./model.js";
import { addSearch, keysTable, notices, type SearchForm, signedOut } from "./over.js";
import { workPane } from "./work.js";

// Times on screen are no finer than this.
const TICK_MILLISECONDS = 5_000;

export class ConsolePage extends LitElement {
  readonly #desk = new Desk(() => this.requestUpdate());
  readonly #form: SearchForm = { network: "", query: "", problem: null, sending: false };
  readonly #guests = emptySheet();
  #selected: string | null = null;
  #dialog: string | null = null;

  /** One document: the page's own style sheet reaches everything. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("keydown", (event) => this.#key(event));
    window.setInterval(() => this.requestUpdate(), TICK_MILLISECONDS);
    void this.#desk.start();
  }

  protected override render(): TemplateResult {
    const { model } = this.#desk;
    if (model.phase === "signed-out") return signedOut();
    const now = this.#desk.now;
    return html`
      <div class="panes ${model.over ? `over-${model.over}` : ""}" ?inert=${model.dialog !== null}>
        ${leftPane(this.#desk, now)} ${workPane(this.#desk, now)} ${detailPane(this.#desk, now)}
        <div class="shade" @click=${() => this.#desk.change({ type: "over", over: null })}></div>
      </div>
      ${notices(this.#desk)}
      <dialog
        aria-labelledby="dialog-title"
        @close=${() => this.#desk.change({ type: "dialog", dialog: null })}
        @click=${(event: Event) => {
          if (event.target === event.currentTarget) this.#desk.change({ type: "dialog", dialog: null });
        }}
      >
        ${
          model.dialog === "add-search"
            ? addSearch(this.#desk, this.#form, () => this.requestUpdate())
            : model.dialog === "guests"
              ? guestsSheet(this.#desk, this.#guests, () => this.requestUpdate())
              : model.dialog === "keys"
                ? keysTable(this.#desk)
                : nothing
        }
      </dialog>
    `;
  }

  protected override updated(): void {
    const { model } = this.#desk;
    const wall = wallOf(model);
    const pending = wall === null ? 0 : countOf(model, "pending");
    document.title = `${pending > 0 ? `(${pending}) ` : ""}${wall?.title ?? "Frieze"} · Console`;
    this.#showDialog();
    if (model.selected !== this.#selected) this.#showSelected();
  }

  #showDialog(): void {
    const { dialog, overview } = this.#desk.model;
    if (dialog === this.#dialog) return;
    this.#dialog = dialog;
    const element = this.querySelector("dialog");
    if (dialog === null) {
      element?.close();
      return;
    }
    if (dialog === "add-search") {
      this.#form.problem = null;
      this.#form.network ||= overview?.networks[0] ?? "";
      this.requestUpdate();
    }
    if (dialog === "guests") void openSheet(this.#desk, this.#guests, () => this.requestUpdate());
    if (!element?.open) element?.showModal();
    element?.querySelector<HTMLElement>(dialog === "add-search" ? ".field" : "footer button")?.focus();
  }

  #showSelected(): void {
    this.#selected = this.#desk.model.selected;
    if (this.#selected === null) return;
    // a visit leaves the list where it is
    const { from } = this.#desk.model;
    const card = this.querySelector<HTMLElement>(`#post-${from ?? this.#selected}`);
    card?.scrollIntoView({ block: "nearest" });
    this.querySelector(".detail .scroll")?.scrollTo(0, 0);
    // follow the selection with the focus where there are keys, but take it from nothing an operator is using
    if (window.matchMedia("(hover: none)").matches) return;
    const focused = document.activeElement;
    if (focused === null || focused === document.body || focused.closest(".grid"))
      card?.focus({ preventScroll: true });
  }

  #key(event: KeyboardEvent): void {
    if (event.defaultPrevented || this.#desk.model.phase !== "ready") return;
    const target = event.target as HTMLElement;
    const typing = target.matches("input, textarea, select");
    const command = commandOf(event, typing);
    if (command === null) return;
    // Enter presses the button that has the focus, and a dialog closes itself
    if (command.do === "open" && target.matches("button, a")) return;
    if (this.#desk.model.dialog !== null) return;
    event.preventDefault();
    this.#obey(command);
  }

  #obey(command: Command): void {
    const desk = this.#desk;
    const { model } = desk;
    switch (command.do) {
      case "step":
        desk.change({ type: "step", by: command.by });
        break;
      case "row":
        desk.change({ type: "step", by: command.by * this.#columns() });
        break;
      case "edge":
        desk.change({ type: "step", by: command.to === "first" ? -desk.posts.length : desk.posts.length });
        break;
      case "act":
        desk.act(command.kind);
        break;
      case "undo":
        desk.undo();
        break;
      case "view":
        desk.look(command.state);
        break;
      case "wall":
        desk.stepWall(command.by);
        break;
      case "add-search":
      case "guests":
      case "keys":
        desk.change({ type: "dialog", dialog: command.do });
        break;
      case "policy":
        void desk.switchPolicy();
        break;
      case "similar":
        void desk.visitSimilar();
        break;
      case "open":
        desk.change({ type: "over", over: "post" });
        break;
      case "close":
        desk.change({ type: "over", over: null });
        break;
      case "picture": {
        const pictures = selectedPost(model)?.media.length ?? 0;
        if (pictures > 1) {
          desk.change({ type: "picture", index: (model.picture + command.by + pictures) % pictures });
        }
        break;
      }
    }
  }

  /** How many cards stand in one row now. */
  #columns(): number {
    const cards = [...this.querySelectorAll<HTMLElement>(".grid .card")];
    const top = cards[0]?.offsetTop;
    const next = cards.findIndex((card) => card.offsetTop !== top);
    return next === -1 ? Math.max(1, cards.length) : next;
  }
}
