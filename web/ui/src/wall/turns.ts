/** Whose turn it is to play in place: pure. One film at a time, so that the eye is not pulled in two directions. */

export interface Film {
  readonly key: string;
  /** Higher is newer. */
  readonly rank: number;
}

/** One film on the wall, not all of it: the next one waits as well. */
export const LONGEST_MS = 30_000;
/** An animated picture says what it has to say in this time. */
export const ANIMATED_MS = 8_000;
/** Between two films the wall is still. */
export const PAUSE_MS = 4_000;
/** A film that was seen comes again after so long at the earliest; it is in the browser's cache for five minutes. */
export const REST_MS = 120_000;

/**
 * The film to play now, or null. `played` says when each last ended, `ended` when the last of all did (milliseconds,
 * null: none yet). Films that were never played come first, the newest of them before the others.
 */
export function nextTurn(
  films: readonly Film[],
  played: ReadonlyMap<string, number>,
  ended: number | null,
  now: number,
): string | null {
  if (ended !== null && now - ended < PAUSE_MS) return null;
  const fresh = films.filter((film) => !played.has(film.key)).sort((a, b) => b.rank - a.rank);
  if (fresh[0]) return fresh[0].key;
  const rested = films
    .filter((film) => now - (played.get(film.key) ?? 0) >= REST_MS)
    .sort((a, b) => (played.get(a.key) ?? 0) - (played.get(b.key) ?? 0));
  return rested[0]?.key ?? null;
}
