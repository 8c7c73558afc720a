/** The files a guest has chosen and how far each has come: pure. */

import type { Lease, Upload } from "./types.js";

/** Files on their way at the same time: the server gives a guest two slots. */
export const SLOTS = 2;
/** Files in one go; more are asked to come in a second one. */
export const MAX_ENTRIES = 200;

/** Where to go on after a pause. */
export type From =
  | { readonly at: "start" }
  /** The address is still good. */
  | { readonly at: "send" | "complete"; readonly lease: Lease }
  /** Perhaps all was there in time: look first. `till`: again, until the server is done with what it has. */
  | { readonly at: "look"; readonly id: string; readonly till?: "done" };

export const START: From = { at: "start" };

/** Stands in a sentence for the time that is left. */
export const WHEN = "{when}";

/** Its turn comes at `until` (milliseconds) at the earliest; `sentence` says why it waits. */
export interface Waiting {
  readonly at: "waiting";
  readonly until: number;
  readonly sentence: string | null;
  readonly from: From;
  /** The server asked for the pause: nothing makes it shorter. */
  readonly asked: boolean;
}

export type Step =
  /** Chosen, and not sent before the guest says so. */
  | { readonly at: "chosen" }
  | Waiting
  | { readonly at: "asking" }
  | { readonly at: "sending"; readonly sent: number }
  /** All bytes are gone; the server has not confirmed yet. */
  | { readonly at: "confirming" }
  | { readonly at: "added"; readonly upload: Upload }
  /** It won't be sent. `again`: the guest may ask for another try. */
  | { readonly at: "refused"; readonly sentence: string; readonly again: boolean };

export interface Entry {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly caption: string;
  /** Failures in a row. */
  readonly attempts: number;
  readonly step: Step;
}

export type Queue = readonly Entry[];

export type Change =
  | { readonly type: "choose"; readonly entries: readonly Entry[] }
  | { readonly type: "caption"; readonly id: number; readonly caption: string }
  | { readonly type: "drop"; readonly id: number }
  | { readonly type: "start"; readonly now: number }
  | { readonly type: "step"; readonly id: number; readonly step: Step }
  /** `counted`: one failure more. */
  | { readonly type: "failed"; readonly id: number; readonly step: Step; readonly counted: boolean }
  | { readonly type: "again"; readonly id: number; readonly now: number }
  /** The network is back, or the page is: at `until` nobody waits for that any longer. */
  | { readonly type: "hurry"; readonly until: number }
  /** What became of those that are there. */
  | { readonly type: "told"; readonly uploads: readonly Upload[] };

export function reduce(queue: Queue, change: Change): Queue {
  switch (change.type) {
    case "choose":
      return [...queue, ...change.entries].slice(0, MAX_ENTRIES);
    case "caption":
      return put(queue, change.id, (entry) => ({ ...entry, caption: change.caption }));
    case "drop":
      return queue.filter((entry) => entry.id !== change.id);
    case "start":
      return queue.map((entry) =>
        entry.step.at === "chosen" ? { ...entry, step: waiting(change.now, null, START) } : entry,
      );
    case "step":
      return put(queue, change.id, (entry) => ({
        ...entry,
        step: change.step,
        attempts: change.step.at === "added" ? 0 : entry.attempts,
      }));
    case "failed":
      return put(queue, change.id, (entry) => ({
        ...entry,
        step: change.step,
        attempts: entry.attempts + (change.counted ? 1 : 0),
      }));
    case "again":
      return put(queue, change.id, (entry) =>
        entry.step.at === "refused"
          ? { ...entry, attempts: 0, step: waiting(change.now, null, START) }
          : entry,
      );
    case "hurry":
      return queue.map((entry) =>
        entry.step.at === "waiting" && !entry.step.asked
          ? { ...entry, step: { ...entry.step, until: Math.min(entry.step.until, change.until) } }
          : entry,
      );
    case "told":
      return queue.map((entry) => told(entry, change.uploads));
  }
}

export function waiting(until: number, sentence: string | null, from: From, asked = false): Waiting {
  return { at: "waiting", until, sentence, from, asked };
}

/** Those whose turn it is now, in the order chosen. */
export function due(queue: Queue, now: number): readonly Entry[] {
  const free = SLOTS - queue.filter(isMoving).length;
  return queue
    .filter((entry) => entry.step.at === "waiting" && entry.step.until <= now)
    .slice(0, Math.max(0, free));
}

/** When to look for the next turn; null when nobody waits for a moment. */
export function nextDue(queue: Queue): number | null {
  const moments = queue.flatMap((entry) => (entry.step.at === "waiting" ? [entry.step.until] : []));
  return moments.length > 0 ? Math.min(...moments) : null;
}

export function isMoving(entry: Entry): boolean {
  return entry.step.at === "asking" || entry.step.at === "sending" || entry.step.at === "confirming";
}

/** Not there yet, and not given up: closing the page would lose it. */
export function isOpen(entry: Entry): boolean {
  return isMoving(entry) || entry.step.at === "waiting";
}

export interface Progress {
  readonly chosen: number;
  readonly open: number;
  readonly added: number;
  readonly refused: number;
  /** 0 to 1, by bytes, of all that was started and not refused. */
  readonly part: number;
}

export function progressOf(queue: Queue): Progress {
  const at = (step: Step["at"]) => queue.filter((entry) => entry.step.at === step).length;
  const started = queue.filter((entry) => entry.step.at !== "chosen" && entry.step.at !== "refused");
  const all = started.reduce((sum, entry) => sum + entry.size, 0);
  const sent = started.reduce((sum, entry) => sum + sentOf(entry), 0);
  return {
    chosen: at("chosen"),
    open: queue.filter(isOpen).length,
    added: at("added"),
    refused: at("refused"),
    part: all === 0 ? 0 : sent / all,
  };
}

export function sentOf(entry: Entry): number {
  if (entry.step.at === "sending") return Math.min(entry.size, entry.step.sent);
  return entry.step.at === "confirming" || entry.step.at === "added" ? entry.size : 0;
}

/** The same file, chosen twice. */
export function isSame(entry: Entry, file: { readonly name: string; readonly size: number }): boolean {
  return entry.name === file.name && entry.size === file.size;
}

function told(entry: Entry, uploads: readonly Upload[]): Entry {
  if (entry.step.at !== "added") return entry;
  const { upload } = entry.step;
  const now = uploads.find((one) => one.id === upload.id);
  return now === undefined || now.state === upload.state
    ? entry
    : { ...entry, step: { at: "added", upload: now } };
}

function put(queue: Queue, id: number, change: (entry: Entry) => Entry): Queue {
  return queue.map((entry) => (entry.id === id ? change(entry) : entry));
}
