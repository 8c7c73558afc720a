/** The pages for guests: which of them the address means, and who the guest is. */

import { html, LitElement, type TemplateResult } from "lit";
import { httpGuestApi } from "./api.js";
import { guestOf, storageOf } from "./keeping.js";
import { placeOf } from "./places.js";

export class GuestPage extends LitElement {
  readonly #place = placeOf(location.pathname, location.hash);
  readonly #storage = storageOf(window);

  /** One document: the page's own style sheet reaches everything. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Another link was opened in this tab: only a new page looks at it.
    addEventListener("hashchange", () => location.reload());
  }

  protected override render(): TemplateResult {
    const place = this.#place;
    const given = place.page === "receipt" ? place.guest : null;
    const guest = guestOf(this.#storage, given, (bytes) => crypto.getRandomValues(bytes));
    const slug = place.page === "upload" ? "" : place.slug;
    const api = httpGuestApi(slug, guest.token, place.page === "upload" ? null : place.key);
    return place.page === "add"
      ? html`<frieze-add .options=${{ slug, key: place.key, guest, api, storage: this.#storage }}></frieze-add>`
      : html`<frieze-receipt .options=${{ place, guest, api }}></frieze-receipt>`;
  }
}
