/**
 * The server's clock, as far as this page can know it.
 *
 * Every time the server writes into an answer has passed there when the answer arrives here, so each gives a lower
 * bound of the offset, and the highest bound is the best. (A snapshot's `now` alone would not do: equal snapshots are
 * encoded once and shared, so it may be old.)
 */
export class ServerClock {
  #offset: number | null = null;
  readonly #local: () => number;

  constructor(local: () => number = Date.now) {
    this.#local = local;
  }

  /** Starts again from an answer asked for at `asked` (local milliseconds): half the way there is assumed. */
  restart(serverTime: number, asked: number): void {
    this.#offset = serverTime - (asked + this.#local()) / 2;
  }

  /** Learns that the server's clock has passed `serverTime`. */
  atLeast(serverTime: number): void {
    const bound = serverTime - this.#local();
    if (this.#offset === null || bound > this.#offset) this.#offset = bound;
  }

  now(): number {
    return this.#local() + (this.#offset ?? 0);
  }
}
