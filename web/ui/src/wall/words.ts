/** Everything the wall says in words: names, times, descriptions. */

import type { Piece } from "./pieces.js";
import type { Post } from "./types.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `now`, `4 min`, `2 h`, `3 d`, then the date; short enough to stand beside a name. */
export function relativeTime(then: number, now: number, locale?: string): string {
  const age = Math.max(0, now - then);
  if (age < MINUTE) return "now";
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h`;
  if (age < 7 * DAY) return `${Math.floor(age / DAY)} d`;
  const sameYear = new Date(then).getUTCFullYear() === new Date(now).getUTCFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" as const }),
  }).format(then);
}

export function displayName(post: Post): string {
  return post.author.name.trim() || post.author.handle.trim() || sourceName(post.source);
}

/** The handle, where it says more than the name. */
export function handleOf(post: Post): string {
  const handle = post.author.handle.trim();
  return handle === displayName(post) ? "" : handle;
}

/** A post's text as one flowing paragraph. */
export function flowing(text: string): string {
  return text.replace(/\s+/gu, " ").trim();
}

/** What a screen reader says for a picture. */
export function altText(piece: Piece): string {
  const described = piece.media.alt.trim();
  const which = piece.of > 1 ? `, picture ${piece.number} of ${piece.of}` : "";
  return described || `Picture by ${displayName(piece.post)}${which}, no description`;
}

const SOURCES: Record<string, string> = {
  x: "X",
  mastodon: "Mastodon",
  bluesky: "Bluesky",
  folder: "Folder",
  demo: "Demo",
  upload: "Upload",
};

export function sourceName(source: string): string {
  return SOURCES[source] ?? source;
}
