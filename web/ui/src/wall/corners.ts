/** Which corner the wall's card stands in: pure. */

import type { Viewport } from "./layout.js";

/** In the order to try them. The fourth is the pause button's. */
export const CORNERS = ["top-left", "top-right", "bottom-left"] as const;
export type Corner = (typeof CORNERS)[number];

interface Rect extends Viewport {
  readonly x: number;
  readonly y: number;
}

export function cornerOf(setting: unknown): Corner {
  return CORNERS.find((corner) => corner === setting) ?? "top-left";
}

/**
 * The corner for a card of `card` pixels now that the newest picture stands at `newest`. It stays where it is (`now`)
 * unless it would cover that picture; then it goes to where the operator wants it, or to the first corner that is free.
 */
export function cornerFor(
  now: Corner,
  wanted: Corner,
  card: Viewport,
  screen: Viewport,
  newest: Rect,
): Corner {
  const free = (corner: Corner) => !overlaps(rectIn(corner, card, screen), newest);
  if (free(now)) return now;
  return [wanted, ...CORNERS].find(free) ?? now;
}

function rectIn(corner: Corner, card: Viewport, screen: Viewport): Rect {
  return {
    ...card,
    x: corner === "top-right" ? screen.width - card.width : 0,
    y: corner === "bottom-left" ? screen.height - card.height : 0,
  };
}

function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
