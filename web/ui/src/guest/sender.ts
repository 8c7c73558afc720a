/**
 * Sends the chosen files, at most two at a time, until each is there or can't be.
 *
 * Time, randomness, the network and the file's hash come in from outside; tests drive them.
 */

import { type Asked, Failed, type GuestApi } from "./api.js";
import type { FileFacts } from "./files.js";
import {
  type Change,
  due,
  type Entry,
  type From,
  isSame,
  MAX_ENTRIES,
  nextDue,
  type Queue,
  reduce,
  START,
  waiting,
} from "./queue.js";
import { judge } from "./retry.js";
import type { Lease, Upload, UploadState } from "./types.js";

export interface SenderOptions {
  readonly api: GuestApi;
  /** Hex, or null where this browser can't say. */
  readonly hash: (file: Blob) => Promise<string | null>;
  readonly changed: () => void;
  /** A file is there. */
  readonly added: (upload: Upload) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Uniform in 0..1. */
  readonly random?: () => number;
}

/** Larger files are not read twice: hashing one would keep a phone busy for seconds. */
export const HASHED_BYTES = 64 * 1024 * 1024;
/** Phones that come back together don't knock together. */
const HURRY_MS = 1_000;
/** An upload in one of these is on its way to the wall or was; nothing needs to be sent again. */
const THERE: ReadonlySet<UploadState> = new Set([
  "stored",
  "waiting",
  "later",
  "shown",
  "refused",
  "removed",
  "failed",
]);

interface Held {
  readonly file: File;
  hash: string | null | undefined;
  stop: AbortController | null;
  /** It is sent through the server, not to the store itself. */
  around: boolean;
}

export class Sender {
  queue: Queue = [];
  author = "";
  consent = false;
  readonly #options: SenderOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #held = new Map<number, Held>();
  /** One file is hashed at a time: each lies in memory whole meanwhile. */
  #hashing: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ids = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
  }

  /** Takes files; `refusal` says why one can't be had, or null. Those that are here already are left out. */
  choose(files: readonly File[], refusal: (file: FileFacts) => string | null): readonly Entry[] {
    const entries: Entry[] = [];
    for (const file of files) {
      if (this.queue.length + entries.length >= MAX_ENTRIES) break;
      if ([...this.queue, ...entries].some((entry) => isSame(entry, file))) continue;
      const id = ++this.#ids;
      const sentence = refusal(file);
      const step =
        sentence === null
          ? ({ at: "chosen" } as const)
          : ({ at: "refused", sentence, again: false } as const);
      entries.push({ id, name: file.name, size: file.size, type: file.type, caption: "", attempts: 0, step });
      this.#held.set(id, { file, hash: undefined, stop: null, around: false });
    }
    this.#change({ type: "choose", entries });
    return entries;
  }

  fileOf(id: number): File | null {
    return this.#held.get(id)?.file ?? null;
  }

  caption(id: number, caption: string): void {
    this.#change({ type: "caption", id, caption });
  }

  start(): void {
    this.#change({ type: "start", now: this.#now() });
  }

  again(id: number): void {
    this.#change({ type: "again", id, now: this.#now() });
  }

  /** Takes a file out; what is on its way stops, and the server forgets it. */
  cancel(id: number): void {
    this.#held.get(id)?.stop?.abort();
    this.#held.delete(id);
    this.#change({ type: "drop", id });
  }

  /** What became of those that are there. */
  told(uploads: readonly Upload[]): void {
    this.#change({ type: "told", uploads });
  }

  /** The network is back, or the page is in front again. */
  hurry(): void {
    this.#change({ type: "hurry", until: this.#now() + this.#random() * HURRY_MS });
  }

  #change(change: Change): void {
    const before = this.queue;
    this.queue = reduce(before, change);
    if (this.queue !== before) this.#options.changed();
    this.#turn();
  }

  #turn(): void {
    clearTimeout(this.#timer);
    for (const entry of due(this.queue, this.#now())) {
      const from = entry.step.at === "waiting" ? entry.step.from : START;
      // No further turn from within: the loop goes over what was due when it began.
      this.queue = reduce(this.queue, { type: "step", id: entry.id, step: { at: "asking" } });
      this.#options.changed();
      void this.#run(entry, from);
    }
    const next = nextDue(this.queue);
    if (next !== null) this.#timer = setTimeout(() => this.#turn(), Math.max(50, next - this.#now()));
  }

  async #run(entry: Entry, from: From): Promise<void> {
    const held = this.#held.get(entry.id);
    if (held === undefined) return;
    const stop = new AbortController();
    held.stop = stop;
    try {
      const upload = await this.#bring(entry, held, from, stop.signal);
      if (stop.signal.aborted) return;
      if (upload === null) {
        this.#change({ type: "step", id: entry.id, step: waiting(this.#now(), null, START) });
        return;
      }
      this.#change({ type: "step", id: entry.id, step: { at: "added", upload } });
      this.#options.added(upload);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!(error instanceof Failed)) throw error;
      this.#fail(entry.id, error);
    }
  }

  /** The upload once it is there; null when it turned out not to be, and must be sent from the start. */
  async #bring(entry: Entry, held: Held, from: From, signal: AbortSignal): Promise<Upload | null> {
    const { api } = this.#options;
    if (from.at === "look") {
      const upload = await api.look(from.id);
      if (from.till === "done" && upload.state === "receiving") throw new Failed({ kind: "working", from });
      return THERE.has(upload.state) ? upload : null;
    }
    if (from.at === "complete") return api.complete(from.lease, signal);
    const lease = from.at === "send" ? from.lease : await api.ask(await this.#askFor(entry, held), signal);
    const sent = await api.send(lease, held.file, (bytes) => this.#sent(entry, bytes), signal);
    return sent ?? (await this.#complete(lease, signal));
  }

  #complete(lease: Lease, signal: AbortSignal): Promise<Upload> {
    return this.#options.api.complete(lease, signal);
  }

  async #askFor(entry: Entry, held: Held): Promise<Asked> {
    const { file } = held;
    if (held.hash === undefined) {
      const before = this.#hashing;
      const mine = before.then(() => (file.size <= HASHED_BYTES ? this.#options.hash(file) : null));
      this.#hashing = mine.catch(() => null);
      held.hash = await mine;
    }
    const caption = this.queue.find((one) => one.id === entry.id)?.caption ?? entry.caption;
    return {
      size: file.size,
      type: file.type,
      name: file.name,
      ...(held.hash === null ? {} : { sha256: held.hash }),
      author: this.author.trim(),
      caption: caption.trim(),
      consent: this.consent,
      ...(held.around ? { direct: false } : {}),
    };
  }

  #sent(entry: Entry, bytes: number): void {
    const step =
      bytes >= entry.size ? ({ at: "confirming" } as const) : ({ at: "sending", sent: bytes } as const);
    this.queue = reduce(this.queue, { type: "step", id: entry.id, step });
    this.#options.changed();
  }

  #fail(id: number, { failure }: Failed): void {
    const entry = this.queue.find((one) => one.id === id);
    if (entry === undefined) return;
    const verdict = judge(failure, entry.attempts, this.#random());
    const held = this.#held.get(id);
    if (held && verdict.around) held.around = true;
    if (verdict.do === "stop") {
      const step = { at: "refused", sentence: verdict.sentence, again: verdict.again } as const;
      this.#change({ type: "failed", id, step, counted: true });
      return;
    }
    const step = waiting(this.#now() + verdict.ms, verdict.sentence, verdict.from, verdict.asked);
    this.#change({ type: "failed", id, step, counted: verdict.counted });
  }
}

/** SHA-256 in hex where this page may compute one: browsers allow that on https only. */
export async function sha256(file: Blob): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  let bytes: ArrayBuffer;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    throw new Failed({ kind: "unreadable" });
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
