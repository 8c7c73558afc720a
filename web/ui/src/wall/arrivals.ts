/**
 * New pictures wait here until they are decoded and it is their turn.
 *
 * At most `SLOTS` enter at once, so that the eye can follow; while many wait, turns are shorter. Before its turn a
 * picture is asked for once more: what was removed meanwhile never enters. The queue is bounded by a screenful; its
 * policy is *oldest out*: an arrival that would be displaced at once by those behind it is skipped, and counted.
 */

export interface ArrivalsOptions<T, P> {
  /** Fetches and decodes; rejects when there is nothing to show. */
  prepare(item: T): Promise<P>;
  /** Whether it may still be shown, asked right before it is. */
  wanted(item: T): boolean;
  enter(item: T, prepared: P): void;
  failed(item: T): void;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

/** LOOK.md: at most two arrivals at once. */
export const SLOTS = 2;
/** The time of one arrival: half its neighbours' move, when nine tenths of the way are done. */
export const TURN_MS = 300;
/** With more than this waiting, a turn takes `HURRIED_MS`: late pictures are worse than quick ones. */
export const PATIENCE = 3;
export const HURRIED_MS = 100;
/** Pictures decoded ahead of their turn; each holds memory. */
export const PREPARED_AHEAD = 6;
export const MAX_WAITING = 60;

interface Entry<T, P> {
  readonly key: string;
  readonly item: T;
  prepared: P | null;
  started: boolean;
}

export class Arrivals<T, P> {
  /** Arrivals skipped because more than a screenful waited. */
  skipped = 0;
  #queue: Entry<T, P>[] = [];
  /** When the last `SLOTS` entered, the oldest first. */
  #entries: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #paused = false;
  readonly #options: ArrivalsOptions<T, P>;

  constructor(options: ArrivalsOptions<T, P>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  has(key: string): boolean {
    return this.#queue.some((entry) => entry.key === key);
  }

  offer(key: string, item: T): void {
    if (this.has(key)) return;
    this.#queue.push({ key, item, prepared: null, started: false });
    if (this.#queue.length > MAX_WAITING) {
      this.#queue.shift();
      this.skipped += 1;
    }
    this.#pump();
  }

  /** A removal: out of the queue, whatever stage it is in. */
  forget(key: string): void {
    this.#queue = this.#queue.filter((entry) => entry.key !== key);
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#pump();
  }

  #pump(): void {
    for (const entry of this.#queue.slice(0, PREPARED_AHEAD)) {
      if (!entry.started) void this.#prepare(entry);
    }
    while (!this.#paused) {
      const index = this.#queue.findIndex((entry) => entry.prepared !== null);
      if (index < 0) return;
      const turn = this.#queue.length > PATIENCE ? HURRIED_MS : TURN_MS;
      const wait = this.#entries.length < SLOTS ? 0 : this.#entries[0]! + turn - this.#options.now();
      if (wait > 0) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#pump(), wait);
        return;
      }
      const [entry] = this.#queue.splice(index, 1);
      if (!entry || entry.prepared === null || !this.#options.wanted(entry.item)) continue;
      this.#entries = [...this.#entries, this.#options.now()].slice(-SLOTS);
      this.#options.enter(entry.item, entry.prepared);
    }
  }

  async #prepare(entry: Entry<T, P>): Promise<void> {
    entry.started = true;
    try {
      entry.prepared = await this.#options.prepare(entry.item);
    } catch {
      const waited = this.#queue.includes(entry);
      this.#queue = this.#queue.filter((other) => other !== entry);
      if (waited) this.#options.failed(entry.item);
    }
    this.#pump();
  }
}
