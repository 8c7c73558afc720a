/** Posts with a picture that looks the same: told to moderators, who decide. */
import { html, nothing, type TemplateResult } from "lit";
import type { Desk } from "./desk.js";
import { STATE_ICONS, shape } from "./icons.js";
import { blurOf, focusOf, renditionFor } from "./picture.js";
import type { Post, Similar } from "./types.js";
import { fullTime, networkWord, STATE_WORDS, since } from "./words.js";

const THUMBNAIL_PIXELS = 112;

export function similarPosts(desk: Desk, post: Post, now: number): TemplateResult | typeof nothing {
  if (post.similar.length === 0) return nothing;
  return html`<section class="alike">
    <h3>Looks like the same picture, also from</h3>
    <ul>
      ${post.similar.map((other, index) => html`<li>${row(desk, other, now, keyOf(desk, index))}</li>`)}
    </ul>
  </section>`;
}

/** The key leads to the nearest one; on a visit it leads back, as the bar says. */
function keyOf(desk: Desk, index: number): "S" | null {
  return index === 0 && desk.model.from === null ? "S" : null;
}

function row(desk: Desk, other: Similar, now: number, key: "S" | null): TemplateResult {
  return html`<button aria-keyshortcuts=${key ?? nothing} @click=${() => desk.visit(other.post)}>
    ${thumbnail(other)}
    <span class="other">
      <bdi>${other.author}</bdi>
      <span class="when">
        ${networkWord(other.source)} ·
        <time datetime=${other.received} title=${fullTime(other.received)}>${since(other.received, now)}</time>
      </span>
    </span>
    <span class="state ${other.state}">${shape(STATE_ICONS[other.state])}${STATE_WORDS[other.state]}</span>
    ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}
  </button>`;
}

function thumbnail({ picture, state }: Similar): TemplateResult {
  const rendition = picture && renditionFor(picture, THUMBNAIL_PIXELS);
  if (!picture || !rendition) return html`<span class="small none">${shape(STATE_ICONS[state])}</span>`;
  const blur = blurOf(picture);
  return html`<span class="small" .style=${blur ? `background-image: url(${blur})` : ""}>
    <img
      src=${rendition.url}
      alt=""
      decoding="async"
      draggable="false"
      .style=${`object-position: ${focusOf(picture)}`}
      @load=${(event: Event) => (event.target as HTMLElement).classList.remove("gone")}
      @error=${(event: Event) => (event.target as HTMLElement).classList.add("gone")}
    />
  </span>`;
}
