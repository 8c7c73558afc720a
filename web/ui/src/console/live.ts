/** The stream of hints: says what to read again, and whether we hear anything at all. */
import type { HintKind } from "./types.js";

const KINDS: readonly HintKind[] = ["walls", "posts", "searches", "health"];
// After a stream that failed for good (503 while the server starts), try anew: 1, 2, 4, 8, 8, … seconds.
const FIRST_RETRY_MILLISECONDS = 1_000;
const LAST_RETRY_MILLISECONDS = 8_000;

export interface LiveEvents {
  /** Connected: whatever was read before may be old. */
  readonly hello: () => void;
  readonly changed: (kinds: readonly HintKind[]) => void;
  readonly lost: () => void;
  /** The session is over. */
  readonly ended: () => void;
}

export class Live {
  #source: EventSource | null = null;
  #retry = FIRST_RETRY_MILLISECONDS;
  #timer = 0;

  constructor(readonly events: LiveEvents) {}

  start(): void {
    this.stop();
    const source = new EventSource("/api/console/changes");
    this.#source = source;
    source.addEventListener("hello", () => {
      this.#retry = FIRST_RETRY_MILLISECONDS;
      this.events.hello();
    });
    source.addEventListener("changed", (event) => this.events.changed(kindsOf(event.data)));
    source.addEventListener("ended", () => {
      this.stop();
      this.events.ended();
    });
    source.addEventListener("error", () => {
      this.events.lost();
      if (source.readyState !== EventSource.CLOSED) return;
      this.#timer = window.setTimeout(() => this.start(), this.#retry);
      this.#retry = Math.min(this.#retry * 2, LAST_RETRY_MILLISECONDS);
    });
  }

  stop(): void {
    window.clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}

function kindsOf(data: string): readonly HintKind[] {
  try {
    const { kinds } = JSON.parse(data) as { kinds: unknown };
    return Array.isArray(kinds) ? KINDS.filter((kind) => kinds.includes(kind)) : KINDS;
  } catch {
    return KINDS;
  }
}
