/** One chosen file: its picture, its caption, how far it has come. */

import { html, nothing, type TemplateResult } from "lit";
import { isVideo } from "./files.js";
import { type IconName, STATE_ICONS, shape } from "./icons.js";
import { type Entry, isMoving, sentOf } from "./queue.js";
import { stepWords } from "./words.js";

// docs/wire.md
const CAPTION_CHARACTERS = 500;

export interface Row {
  readonly entry: Entry;
  readonly now: number;
  readonly preview: string | null;
  readonly caption: (caption: string) => void;
  readonly cancel: () => void;
  readonly again: () => void;
}

export function entryRow(row: Row): TemplateResult {
  const { entry, now } = row;
  const { step } = entry;
  const state = step.at === "added" ? step.upload.state : step.at;
  return html`<li class="file ${step.at} ${state}">
    <div class="thumb">
      ${
        row.preview === null
          ? html`<span class="none">${shape(isVideo(entry) ? "film" : "pictures")}</span>`
          : html`<img src=${row.preview} alt="" draggable="false" />`
      }
      ${isVideo(entry) && row.preview !== null ? html`<span class="badge">${shape("film")}</span>` : nothing}
    </div>
    <div class="about">
      ${
        step.at === "chosen"
          ? html`<input
              class="caption"
              placeholder="Add a caption"
              aria-label="Caption of ${entry.name}"
              maxlength=${CAPTION_CHARACTERS}
              enterkeyhint="done"
              .value=${entry.caption}
              @input=${(event: Event) => row.caption((event.target as HTMLInputElement).value)}
              @keydown=${(event: KeyboardEvent) => event.key === "Enter" && (event.target as HTMLElement).blur()}
            />`
          : html`<span class="name" dir="auto">${entry.caption.trim() || entry.name}</span>`
      }
      <span class="step">${stepMark(entry)}<span>${stepWords(entry, now)}</span></span>
      ${
        isMoving(entry) || step.at === "waiting"
          ? html`<progress max=${entry.size} .value=${sentOf(entry)} aria-label="How far ${entry.name} is"></progress>`
          : nothing
      }
    </div>
    ${
      step.at === "refused" && step.again
        ? html`<button class="tool" aria-label="Try ${entry.name} again" @click=${row.again}>${shape("again")}</button>`
        : nothing
    }
    ${
      step.at === "added"
        ? nothing
        : html`<button class="tool" aria-label="${step.at === "chosen" || step.at === "refused" ? "Leave out" : "Cancel"} ${entry.name}" @click=${row.cancel}>
            ${shape("close")}
          </button>`
    }
  </li>`;
}

function stepMark({ step }: Entry): TemplateResult | typeof nothing {
  let icon: IconName | null = null;
  if (step.at === "refused") icon = "alert";
  else if (step.at === "waiting" && step.sentence !== null) icon = "clock";
  else if (step.at === "added") icon = STATE_ICONS[step.upload.state];
  return icon === null ? nothing : html`${shape(icon)}`;
}
