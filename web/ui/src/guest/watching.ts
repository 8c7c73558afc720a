/** Asks again what became of the uploads, ever more slowly, as long as something may still change. */

import type { Upload } from "./types.js";

/** docs/wire.md: after 2 s, then ever more slowly. */
export const FIRST_LOOK_MS = 2_000;
export const SLOWEST_LOOK_MS = 60_000;
const SLOWER = 1.5;

/** The pause before the next look, after so many looks that brought nothing new. */
export function lookPause(looks: number): number {
  return Math.min(SLOWEST_LOOK_MS, FIRST_LOOK_MS * SLOWER ** Math.min(looks, 32));
}

export function mayChange(uploads: readonly Upload[]): boolean {
  return uploads.some((upload) => !upload.final);
}

/** Whether two looks saw the same. */
export function isSame(before: readonly Upload[], after: readonly Upload[]): boolean {
  return (
    before.length === after.length &&
    before.every((upload, i) => upload.id === after[i]?.id && upload.state === after[i]?.state)
  );
}

export class Watching {
  readonly #read: () => Promise<readonly Upload[]>;
  readonly #told: (uploads: readonly Upload[]) => void;
  readonly #failed: (error: unknown) => void;
  #seen: readonly Upload[] = [];
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking = false;

  constructor(
    read: () => Promise<readonly Upload[]>,
    told: (uploads: readonly Upload[]) => void,
    failed: (error: unknown) => void,
  ) {
    this.#read = read;
    this.#told = told;
    this.#failed = failed;
    // Nobody looks at a page in the background; who comes back wants to know.
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.#timer);
      if (!document.hidden) this.soon();
    });
  }

  /** Something has happened: look now, and often for a while. */
  soon(): void {
    this.#looks = 0;
    void this.#look();
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#looking) return;
    this.#looking = true;
    let more = true;
    try {
      const uploads = await this.#read();
      this.#looks = isSame(this.#seen, uploads) ? this.#looks + 1 : 0;
      this.#seen = uploads;
      this.#told(uploads);
      more = mayChange(uploads);
    } catch (error) {
      this.#looks += 1;
      this.#failed(error);
    } finally {
      this.#looking = false;
    }
    if (more && !document.hidden) this.#timer = setTimeout(() => void this.#look(), lookPause(this.#looks));
  }
}
