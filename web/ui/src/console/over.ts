/** What lies over the page: notices with their undo, the form for a search, the table of keys. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Desk } from "./desk.js";
import { shape } from "./icons.js";
import { KEY_TABLE } from "./keys.js";
import { type Notice, undoable, wallOf } from "./model.js";
import { networkWord } from "./words.js";

const QUERY_CHARACTERS = 1024; // wall/searches.py

export function notices(desk: Desk): TemplateResult {
  const newest = undoable(desk.model);
  return html`<div class="notices" role="status" aria-live="polite">
    ${repeat(
      desk.model.notices,
      (notice) => notice.id,
      (notice) => noticeRow(desk, notice, notice === newest),
    )}
  </div>`;
}

function noticeRow(desk: Desk, notice: Notice, newest: boolean): TemplateResult {
  const canUndo = notice.deed !== null || notice.undo !== null || notice.search !== null;
  return html`<div class="notice ${notice.tone} ${notice.deed !== null ? "held" : ""}">
    ${notice.tone === "problem" ? shape("alert") : nothing}
    <p><strong>${notice.title}</strong> <span>${notice.detail}</span></p>
    ${
      notice.show !== null && notice.tone === "problem"
        ? html`<button @click=${() => desk.show(notice)}>Show</button>`
        : nothing
    }
    ${
      canUndo
        ? html`<button @click=${() => desk.undoNotice(notice)}>Undo${newest ? html`<kbd aria-hidden="true">U</kbd>` : nothing}</button>`
        : nothing
    }
    ${
      notice.deed === null
        ? html`<button class="plain" aria-label="Dismiss" @click=${() => desk.change({ type: "dismiss", id: notice.id })}>
            ${shape("close")}
          </button>`
        : nothing
    }
  </div>`;
}

export interface SearchForm {
  network: string;
  query: string;
  problem: string | null;
  sending: boolean;
}

export function addSearch(desk: Desk, form: SearchForm, redraw: () => void): TemplateResult {
  const networks = desk.model.overview?.networks ?? [];
  const send = async (event: Event) => {
    event.preventDefault();
    if (form.sending || !form.query.trim()) return;
    form.sending = true;
    form.problem = null;
    redraw();
    form.problem = await desk.addSearch(form.network, form.query.trim());
    form.sending = false;
    if (form.problem === null) form.query = "";
    redraw();
  };
  return html`<form class="sheet" @submit=${send}>
    <h2 id="dialog-title">What should ${wallOf(desk.model)?.title ?? "the wall"} look for?</h2>
    ${
      networks.length === 0
        ? html`<p class="trouble">${shape("alert")}<span>No network is set up on this server, so there is nowhere to look. See the settings page of the documents.</span></p>`
        : html`<div class="segments wrap" role="radiogroup" aria-label="Network">
            ${networks.map(
              (network) => html`<label>
                <input
                  type="radio"
                  name="network"
                  value=${network}
                  .checked=${form.network === network}
                  @change=${() => {
                    form.network = network;
                    form.problem = null;
                    redraw();
                  }}
                /><span>${networkWord(network)}</span>
              </label>`,
            )}
          </div>`
    }
    <input
      class="field"
      type="text"
      name="query"
      autocomplete="off"
      spellcheck="false"
      placeholder=${form.network === "x" ? "#yourevent OR @yourname" : "What to look for"}
      aria-label="What to look for"
      aria-invalid=${form.problem !== null}
      aria-describedby="search-problem"
      maxlength=${QUERY_CHARACTERS}
      .value=${form.query}
      @input=${(event: Event) => {
        form.query = (event.target as HTMLInputElement).value;
        form.problem = null;
        redraw();
      }}
    />
    <p class="trouble" id="search-problem" role="alert" ?hidden=${form.problem === null}>
      ${shape("alert")}<span>${form.problem}</span>
    </p>
    <footer>
      <button type="button" @click=${() => desk.change({ type: "dialog", dialog: null })}>Cancel<kbd aria-hidden="true">Esc</kbd></button>
      <button class="strong" ?disabled=${form.sending || form.query.trim() === "" || networks.length === 0}>
        ${form.sending ? "Adding…" : "Add search"}<kbd aria-hidden="true">↵</kbd>
      </button>
    </footer>
  </form>`;
}

export function keysTable(desk: Desk): TemplateResult {
  return html`<div class="sheet keys">
    <h2 id="dialog-title">Keys</h2>
    <div class="columns">
      ${KEY_TABLE.map(
        (part) => html`<section>
          <h3>${part.title}</h3>
          <dl>
            ${part.rows.map(
              ([keys, what]) => html`<div>
                <dt>${keys.map((key) => (key === "–" ? html`<i>–</i>` : html`<kbd>${key}</kbd>`))}</dt>
                <dd>${what}</dd>
              </div>`,
            )}
          </dl>
        </section>`,
      )}
    </div>
    <footer>
      <button @click=${() => desk.change({ type: "dialog", dialog: null })}>Close<kbd aria-hidden="true">Esc</kbd></button>
    </footer>
  </div>`;
}

export function signedOut(): TemplateResult {
  return html`<main class="signed-out">
    <div class="sheet">
      <span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>
      <h1>You are signed out</h1>
      <p>The wall goes on without you. To come back, ask for a sign-in link on the server and open it here:</p>
      <pre><code>frieze operator link NAME</code></pre>
    </div>
  </main>`;
}
