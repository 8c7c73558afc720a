/**
 * Which pictures stand where, from one arrival to the next: pure, and as calm as possible.
 *
 * A full wall changes one line at a time: a new picture takes the place of old ones of the same line, the line's
 * other pictures move up a little, and the other lines do not move at all. Only while a wall fills, or when no line
 * can take the newcomer, everything is arranged anew.
 */

import {
  areasFair,
  arrange,
  capacity,
  cut,
  type Frame,
  fills,
  judge,
  type Picture,
  type Placed,
  place,
  placeWithin,
} from "./layout.js";

export interface Item extends Picture {
  readonly key: string;
  /** Pictures of one post like to stand together. */
  readonly group: string;
  /** Higher is newer. */
  readonly rank: number;
}

export interface Plan {
  readonly lines: readonly (readonly Item[])[];
  /** The lines' extents once the screen is full; null while they follow from the pictures. */
  readonly extents: readonly number[] | null;
}

export const NOTHING: Plan = { lines: [], extents: null };

/** A newcomer replaces at most so many neighbours: a panorama may need the room of three portraits. */
const MOST_REPLACED = 3;
/** So many of the newest pictures that have no place yet are tried for a hole. */
const MOST_TRIED = 8;

/**
 * A plan from nothing: the first of `items` in reading order, as many as the screen takes. When those happen not to
 * fit together, one of them is left out; never the very first.
 */
export function planAnew(frame: Frame, items: readonly Item[]): Plan {
  const plan = withExtents(frame, cut(items, arrange(frame, items)));
  if (items.length <= capacity(frame) || isClean(frame, plan)) return plan;
  for (let skipped = 1; skipped < plan.lines.flat().length; skipped++) {
    const rest = items.filter((_, i) => i !== skipped);
    const other = withExtents(frame, cut(rest, arrange(frame, rest)));
    if (isClean(frame, other)) return other;
  }
  return plan;
}

/** Whether the plan covers the screen, and no picture of usual shape has bars. */
function isClean(frame: Frame, plan: Plan): boolean {
  return plan.extents !== null && !hides(placed_(frame, plan), plan);
}

export function positions(frame: Frame, plan: Plan): Map<string, Placed> {
  const placed = placed_(frame, plan);
  return new Map(plan.lines.flatMap((line, i) => line.map((item, k) => [item.key, placed[i]![k]!] as const)));
}

/**
 * The plan with one more picture, and without the old ones it displaced. `reserve`: the pictures that have no place,
 * newest first, for the case that everything must be arranged anew.
 */
export function admit(frame: Frame, plan: Plan, item: Item, reserve: readonly Item[] = []): Plan {
  const shown = plan.lines.flat();
  const others = [...shown, ...reserve].sort((a, b) => b.rank - a.rank);
  if (others.length < capacity(frame)) return grow(frame, plan, item);
  if (plan.extents === null || shown.length < capacity(frame) / 2) return planAnew(frame, [item, ...others]);
  const byAge = ages(shown);
  const options = plan.lines.flatMap((line, i) =>
    windows(line.length).map(([from, to]) => ({
      plan: replace(plan, i, [...line.slice(0, from), item, ...line.slice(to)]),
      // Leaving early is worse the younger the picture is.
      regret:
        line.slice(from, to).reduce((sum, gone) => sum + (byAge.get(gone.key) ?? 0) ** 2, 0) +
        0.15 * Math.abs(shown.length + 1 - (to - from) - capacity(frame)) -
        (touches(line, from, to, item) ? 0.3 : 0),
    })),
  );
  return calmest(frame, plan, options) ?? planAnew(frame, [item, ...others]);
}

/** The plan without some pictures; their places go to neighbours or to pictures of `reserve` (newest first). */
export function withdraw(
  frame: Frame,
  plan: Plan,
  keys: ReadonlySet<string>,
  reserve: readonly Item[],
): Plan {
  const spare = reserve.slice();
  let current = plan;
  for (const key of keys) {
    const index = current.lines.findIndex((line) => line.some((item) => item.key === key));
    if (index < 0) continue;
    const line = current.lines[index]!;
    const at = line.findIndex((item) => item.key === key);
    const [before, after] = [line.slice(0, at), line.slice(at + 1)];
    const options =
      current.extents === null
        ? []
        : [
            ...spare.slice(0, MOST_TRIED).map((item, age) => ({
              plan: replace(current, index, [...before, item, ...after]),
              regret: age * 0.05,
            })),
            ...(line.length > 1
              ? [{ plan: replace(current, index, [...before, ...after]), regret: spare.length > 0 ? 0.5 : 0 }]
              : []),
          ];
    const next = calmest(frame, current, options);
    if (next === null) {
      const rest = current.lines.flat().filter((item) => !keys.has(item.key));
      return planAnew(frame, [...rest, ...spare]);
    }
    const used = next.lines[index]!.find((item) => spare.includes(item));
    if (used) spare.splice(spare.indexOf(used), 1);
    current = next;
  }
  return current;
}

/** While there is room: the newcomer goes where it moves the others least. */
function grow(frame: Frame, plan: Plan, item: Item): Plan {
  const shown = plan.lines.flat();
  const options = Array.from({ length: shown.length + 1 }, (_, at) => {
    const items = [...shown.slice(0, at), item, ...shown.slice(at)];
    const grown = planAnew(frame, items);
    return { plan: grown, regret: at / (4 * shown.length) };
  }).filter((option) => option.plan.lines.flat().some((other) => other.key === item.key));
  return calmest(frame, plan, options, false) ?? planAnew(frame, [item, ...shown]);
}

interface Option {
  readonly plan: Plan;
  /** What speaks against it besides movement and looks. */
  readonly regret: number;
}

function calmest(frame: Frame, before: Plan, options: readonly Option[], strict = true): Plan | null {
  const from = positions(frame, before);
  let best: { cost: number; plan: Plan } | null = null;
  for (const { plan, regret } of options) {
    const placed = placed_(frame, plan);
    // A plan with fixed lines has nothing to adjust: what does not fit is no option.
    if (strict && (!areasFair(frame, placed) || hides(placed, plan))) continue;
    const cost = movement(frame, from, positions(frame, plan)) + judge(frame, placed) + regret;
    if (best === null || cost < best.cost) best = { cost, plan };
  }
  return best?.plan ?? null;
}

/** Whether a picture of usual shape would have to be shown with bars. */
function hides(placed: readonly (readonly Placed[])[], plan: Plan): boolean {
  return placed.some((line, i) =>
    line.some((rect, k) => rect.fit === "contain" && isUsual(plan.lines[i]![k]!.aspect)),
  );
}

function isUsual(aspect: number): boolean {
  return aspect >= 0.55 && aspect <= 2;
}

/** How much the pictures that stay move and change size, in screens. */
function movement(frame: Frame, before: Map<string, Placed>, after: Map<string, Placed>): number {
  const scale = Math.hypot(frame.main, frame.cross);
  let sum = 0;
  for (const [key, from] of before) {
    const to = after.get(key);
    if (!to) continue;
    sum += Math.hypot(
      to.x + to.width / 2 - from.x - from.width / 2,
      to.y + to.height / 2 - from.y - from.height / 2,
    );
    sum += Math.abs(to.width - from.width) + Math.abs(to.height - from.height);
  }
  return sum / scale;
}

function withExtents(frame: Frame, lines: readonly (readonly Item[])[]): Plan {
  if (lines.length === 0) return NOTHING;
  const placed = place(frame, lines);
  const full = fills(frame, placed);
  const extent = (rect: Placed) => (frame.direction === "rows" ? rect.height : rect.width);
  return { lines, extents: full ? placed.map((line) => extent(line[0]!)) : null };
}

function placed_(frame: Frame, plan: Plan): Placed[][] {
  return plan.extents ? placeWithin(frame, plan.lines, plan.extents) : place(frame, plan.lines);
}

function replace(plan: Plan, index: number, line: readonly Item[]): Plan {
  return { ...plan, lines: plan.lines.map((other, i) => (i === index ? line : other)) };
}

function windows(length: number): [number, number][] {
  const found: [number, number][] = [];
  for (let from = 0; from <= length; from++) {
    for (let to = from; to <= Math.min(length, from + MOST_REPLACED); to++) found.push([from, to]);
  }
  return found;
}

/** Whether the newcomer would stand right after or before a picture of its post, in the post's order. */
function touches(line: readonly Item[], from: number, to: number, item: Item): boolean {
  const [before, after] = [line[from - 1], line[to]];
  if (before?.group === item.group) return before.rank > item.rank;
  return after?.group === item.group && after.rank < item.rank;
}

/** Each picture's age as a part of all: 0 is the oldest, 1 the newest. */
function ages(items: readonly Item[]): Map<string, number> {
  const sorted = [...items].sort((a, b) => a.rank - b.rank);
  const last = Math.max(1, sorted.length - 1);
  return new Map(sorted.map((item, i) => [item.key, i / last]));
}
