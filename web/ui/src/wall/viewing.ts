/** Moving through pictures in full: pure. */

/** The piece so many steps from `key`, newest first; null at either end, or when `key` is gone. */
export function beside<T extends { readonly key: string }>(
  pieces: readonly T[],
  key: string,
  by: number,
): T | null {
  const at = pieces.findIndex((piece) => piece.key === key);
  return at < 0 ? null : (pieces[at + by] ?? null);
}

// A thumb's flick; shorter ways are taps that slipped.
const FLICK_PIXELS = 48;

/** What a finger meant that moved by (x, y) pixels, or null. */
export function swipeOf(x: number, y: number): "older" | "newer" | "close" | null {
  const [along, down] = [Math.abs(x), Math.abs(y)];
  if (Math.max(along, down) < FLICK_PIXELS) return null;
  if (along > down * 1.5) return x < 0 ? "older" : "newer";
  return y > 0 && down > along * 1.5 ? "close" : null;
}
