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

/** The server can't show this wall, and says why. */
export class NotHere extends Error {}

/** The log no longer has the events after a cursor: take a snapshot. */
export class Gone extends Error {}

export interface Api {
  info(): Promise<WallInfo>;
  snapshot(): Promise<Snapshot>;
  /** At most 500 events after the cursor. Throws `Gone`. */
  eventsAfter(cursor: Cursor): Promise<WallEvent[]>;
}

/** `key` is that of a secret wall's link. */
export function httpApi(slug: string, key: string | null = null): Api {
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  const base = `/api/walls/${encodeURIComponent(slug)}`;
  return {
    info: () => ask(base, readInfo, headers),
    snapshot: async () => {
      const [snapshot, answered] = await askWithHeaders(`${base}/snapshot`, readSnapshot, headers);
      // The body is shared by all who ask, so its `now` may be old; the header's is this answer's.
      const now = Number(answered.get("x-frieze-now"));
      return now > 0 ? { ...snapshot, now } : snapshot;
    },
    eventsAfter: (cursor) => ask(`${base}/events?after=${formatCursor(cursor)}`, readEvents, headers),
  };
}

type Read<T> = (value: unknown) => T | null;

async function ask<T>(path: string, read: Read<T>, headers: Record<string, string>): Promise<T> {
  return (await askWithHeaders(path, read, headers))[0];
}

async function askWithHeaders<T>(
  path: string,
  read: Read<T>,
  headers: Record<string, string>,
): Promise<[T, Headers]> {
  const response = await fetch(path, {
    headers,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    credentials: "same-origin",
  });
  if (response.status === 501) throw new NotHere(await sentenceOf(response));
  if (response.status === 404) throw new NoSuchWall(`there is no wall at ${path}`);
  if (response.status === 410) throw new Gone(`${path} is gone`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  const answer = read(await response.json());
  if (answer === null) throw new Error(`${path} answered something else than docs/wire.md says`);
  return [answer, response.headers];
}

async function sentenceOf(response: Response): Promise<string> {
  const answer = (await response.json()) as { error?: { sentence?: unknown } } | null;
  return String(answer?.error?.sentence ?? "This wall can't be shown here.");
}
