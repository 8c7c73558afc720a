/** The wall's HTTP questions, each with a time limit, each answer read as unknown JSON. */

import {
  type Cursor,
  formatCursor,
  readEvents,
  readInfo,
  readSnapshot,
  type Snapshot,
  type WallEvent,
  type WallInfo,
} from "./types.js";

// A snapshot of 200 posts is some 100 KB compressed; a phone on a bad network still gets that in ten seconds.
const TIMEOUT_MS = 10_000;

/** The server answered, and the answer will not change by asking again. */
export class NoSuchWall extends Error {}

/** The log no longer has the events after a cursor: take a snapshot. */
export class Gone extends Error {}

export interface Api {
  info(): Promise<WallInfo>;
  snapshot(): Promise<Snapshot>;
  /** At most 500 events after the cursor. Throws `Gone`. */
  eventsAfter(cursor: Cursor): Promise<WallEvent[]>;
}

export function httpApi(slug: string): Api {
  const base = `/api/walls/${encodeURIComponent(slug)}`;
  return {
    info: () => ask(base, readInfo),
    snapshot: async () => {
      const [snapshot, headers] = await askWithHeaders(`${base}/snapshot`, readSnapshot);
      // The body is shared by all who ask, so its `now` may be old; the header's is this answer's.
      const now = Number(headers.get("x-frieze-now"));
      return now > 0 ? { ...snapshot, now } : snapshot;
    },
    eventsAfter: (cursor) => ask(`${base}/events?after=${formatCursor(cursor)}`, readEvents),
  };
}

async function ask<T>(path: string, read: (value: unknown) => T | null): Promise<T> {
  return (await askWithHeaders(path, read))[0];
}

async function askWithHeaders<T>(path: string, read: (value: unknown) => T | null): Promise<[T, Headers]> {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS), credentials: "same-origin" });
  if (response.status === 404) throw new NoSuchWall(`there is no wall at ${path}`);
  if (response.status === 410) throw new Gone(`${path} is gone`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  const answer = read(await response.json());
  if (answer === null) throw new Error(`${path} answered something else than docs/wire.md says`);
  return [answer, response.headers];
}
