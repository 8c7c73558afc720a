/** The sheet of what guests may add to a wall and what viewers may have of it. */

import { html, nothing, type TemplateResult } from "lit";
import type { Desk } from "./desk.js";
import { shape } from "./icons.js";
import { wallOf } from "./model.js";
import { changesOf, formOf, type GuestForm, problemOf } from "./rules.js";
import { CORNERS, type Corner } from "./types.js";

const CONSENT_CHARACTERS = 4_000; // wall/uploads.py
const CORNER_WORDS: Readonly<Record<Corner, string>> = {
  "top-left": "Top left",
  "top-right": "Top right",
  "bottom-left": "Bottom left",
};

export interface Sheet {
  before: GuestForm | null;
  form: GuestForm | null;
  link: string;
  problem: string | null;
  sending: boolean;
}

export function emptySheet(): Sheet {
  return { before: null, form: null, link: "", problem: null, sending: false };
}

/** Reads how the wall is now. */
export async function openSheet(desk: Desk, sheet: Sheet, redraw: () => void): Promise<void> {
  Object.assign(sheet, emptySheet());
  redraw();
  const wall = wallOf(desk.model);
  const guests = await desk.readGuests();
  if (guests === null || wall === null) {
    desk.change({ type: "dialog", dialog: null });
    return;
  }
  sheet.before = formOf(guests, wall);
  sheet.form = sheet.before;
  sheet.link = new URL(guests.link, location.origin).href;
  redraw();
}

export function guestsSheet(desk: Desk, sheet: Sheet, redraw: () => void): TemplateResult {
  const title = wallOf(desk.model)?.title ?? "the wall";
  const save = async (event: Event) => {
    event.preventDefault();
    const { before, form } = sheet;
    if (before === null || form === null || sheet.sending) return;
    sheet.problem = problemOf(form);
    if (sheet.problem === null) {
      sheet.sending = true;
      redraw();
      sheet.problem = await desk.saveGuests(changesOf(before, form));
      sheet.sending = false;
    }
    redraw();
  };
  return html`<form class="sheet guests-sheet" novalidate @submit=${save}>
    <h2 id="dialog-title">Guests and viewers of ${title}</h2>
    ${sheet.form === null ? html`<div class="outline" aria-hidden="true"><i></i><i></i><i></i></div>` : fields(desk, sheet, sheet.form, redraw)}
    <p class="trouble" role="alert" ?hidden=${sheet.problem === null}>${shape("alert")}<span>${sheet.problem}</span></p>
    <footer>
      <button type="button" @click=${() => desk.change({ type: "dialog", dialog: null })}>Cancel<kbd aria-hidden="true">Esc</kbd></button>
      <button class="strong" ?disabled=${sheet.form === null || sheet.sending}>
        ${sheet.sending ? "Saving…" : "Save"}<kbd aria-hidden="true">↵</kbd>
      </button>
    </footer>
  </form>`;
}

function fields(desk: Desk, sheet: Sheet, form: GuestForm, redraw: () => void): TemplateResult {
  const put = <K extends keyof GuestForm>(name: K, value: GuestForm[K]) => {
    if (sheet.form === null) return;
    sheet.form = { ...sheet.form, [name]: value };
    sheet.problem = null;
    redraw();
  };
  const secret = wallOf(desk.model)?.link !== null;
  type Switch = "enabled" | "name_required" | "video" | "only" | "qr" | "downloads";
  const toggle = (name: Switch, label: string, hint = "") => html`<label class="toggle">
    <input type="checkbox" role="switch" .checked=${form[name]} @change=${(event: Event) => put(name, (event.target as HTMLInputElement).checked)} />
    <i aria-hidden="true"></i>
    <span>${label}${hint ? html`<small>${hint}</small>` : nothing}</span>
  </label>`;
  const text = (
    name:
      | "opens"
      | "closes"
      | "reveal_at"
      | "image_mb"
      | "video_mb"
      | "guest_posts"
      | "guest_gb"
      | "wall_posts"
      | "wall_gb"
      | "retention",
    label: string,
    unit = "",
  ) => html`<label class="entry">
    <span>${label}</span>
    <span class="with-unit">
      <input
        class=${unit ? "number" : ""}
        type=${unit ? "text" : "datetime-local"}
        inputmode=${unit ? "decimal" : nothing}
        name=${name}
        .value=${form[name]}
        @input=${(event: Event) => put(name, (event.target as HTMLInputElement).value)}
      />${unit ? html`<em>${unit}</em>` : nothing}
    </span>
  </label>`;
  return html`
    <div class="fields">
      <fieldset>
        <legend>Adding</legend>
        ${toggle("enabled", "Guests add pictures", "From their phones, without an account")}
        ${
          form.enabled
            ? html`
                <div class="line">
                  <input class="link" readonly aria-label="Where guests add" .value=${sheet.link} @focus=${(event: FocusEvent) => (event.target as HTMLInputElement).select()} />
                </div>
                <div class="pair">${text("opens", "From")} ${text("closes", "Until")}</div>
                <label class="entry wide">
                  <span>What guests agree to</span>
                  <textarea
                    rows="3"
                    maxlength=${CONSENT_CHARACTERS}
                    placeholder="I took these pictures myself, and everybody on them agrees that they are shown."
                    .value=${form.consent}
                    @input=${(event: Event) => put("consent", (event.target as HTMLTextAreaElement).value)}
                  ></textarea>
                </label>
                ${toggle("video", "Videos too")} ${toggle("name_required", "Ask for a name", "Without it, a name is optional")}
                ${secret ? toggle("only", "Guests only add", "With the link above they see nothing of the wall") : nothing}
              `
            : nothing
        }
      </fieldset>
      ${
        form.enabled
          ? html`
              <fieldset>
                <legend>On the wall</legend>
                ${toggle("qr", "Show a QR code", "Never over the newest picture")}
                ${
                  form.qr
                    ? html`<div class="segments" role="radiogroup" aria-label="Corner of the code">
                        ${CORNERS.map(
                          (corner) => html`<label>
                            <input type="radio" name="corner" .checked=${form.corner === corner} @change=${() => put("corner", corner)} /><span>${CORNER_WORDS[corner]}</span>
                          </label>`,
                        )}
                      </div>`
                    : nothing
                }
                <div class="pair">${text("reveal_at", "Keep everything back until")}</div>
              </fieldset>
              <fieldset>
                <legend>Limits</legend>
                <div class="pair">${text("image_mb", "A picture", "MB")} ${text("video_mb", "A video", "MB")}</div>
                <div class="pair">${text("guest_posts", "One guest", "files")} ${text("guest_gb", "in all", "GB")}</div>
                <div class="pair">${text("wall_posts", "The wall", "files")} ${text("wall_gb", "in all", "GB")}</div>
              </fieldset>
            `
          : nothing
      }
      ${
        wallOf(desk.model)?.retention === undefined
          ? nothing
          : html`<fieldset>
              <legend>Viewers</legend>
              ${toggle("downloads", "Viewers may download originals", "As they were taken, with all that the camera wrote into them")}
              ${text("retention", "Keep what was taken off for", "hours")}
            </fieldset>`
      }
    </div>
  `;
}
