/**
 * Which way to connect: by WebSocket, or, where those are blocked, by the event stream.
 *
 * Two openings in a row that never got through, and the other way is tried. What works is stayed with; after some
 * minutes on the stream the WebSocket is tried again beside it, because it costs the server less.
 */

export type Way = "socket" | "stream";

/** One opening fails by chance (a restart, a lift); two in a row are a proxy that refuses upgrades. */
export const TRIES = 2;
/** A network that blocks WebSockets does so for as long as somebody stays in it. */
export const SOCKET_AGAIN_MS = 5 * 60_000;

export class Ways {
  #way: Way = "socket";
  #failures = 0;
  #socketAt = Number.POSITIVE_INFINITY;

  /** How to open the next connection. */
  get way(): Way {
    return this.#way;
  }

  /** An opening ended without a confirmed subscription. */
  failed(): void {
    this.#failures += 1;
    if (this.#failures < TRIES) return;
    this.#failures = 0;
    this.#way = this.#way === "socket" ? "stream" : "socket";
  }

  /** A subscription stands, by this way. */
  worked(way: Way, now: number): void {
    this.#way = way;
    this.#failures = 0;
    this.#socketAt = way === "stream" ? now + SOCKET_AGAIN_MS : Number.POSITIVE_INFINITY;
  }

  /** Whether it is time to try the WebSocket beside a stream that works; says so once each time. */
  socketDue(now: number): boolean {
    if (now < this.#socketAt) return false;
    this.#socketAt = now + SOCKET_AGAIN_MS;
    return true;
  }
}
