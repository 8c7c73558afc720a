/**
 * Where each picture goes: a pure function of (viewport, shapes) → rectangles.
 *
 * Pictures stand in lines: rows on a landscape screen, columns on a portrait one. In a row all share a height and
 * their widths follow from their shapes, so a row is always full; the rows' heights are then stretched or squeezed
 * together until they fill the screen, which costs each picture the same small crop. When that would cost more than
 * `MAX_CROP`, the block stays smaller than the screen and stands in its middle.
 *
 * Both directions are one calculation: `main` runs along a line, `cross` over the lines, and a shape is a picture's
 * length along `main` over its length along `cross`.
 *
 * Rules (docs, LOOK): no overlap, no gap but the gutters, no picture under a third or over three times the median
 * area, a panorama may have a line for itself, never more than `MAX_CROP` of a side cut away. A picture too long or
 * too tall for these rules is shown whole inside its rectangle.
 */

export interface Viewport {
  readonly width: number;
  readonly height: number;
}

export interface Picture {
  /** Width over height. */
  readonly aspect: number;
  /** (x, y) in -1..1, y up; null is the middle. */
  readonly focus: readonly [number, number] | null;
}

export interface Frame {
  readonly direction: "rows" | "columns";
  /** Pixels along a line, and over all lines, without the margin. */
  readonly main: number;
  readonly cross: number;
  readonly margin: number;
  readonly gap: number;
  /** Pixels that a line should be across, when there are pictures enough. */
  readonly line: number;
}

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** `contain`: the picture is shown whole, its surroundings filled by its own blur. */
  readonly fit: "cover" | "contain";
  /** What a crop keeps, as CSS object-position in percent. */
  readonly position: readonly [number, number];
}

/** The part of a side's length that a crop may cost, both ends together. */
export const MAX_CROP = 0.12;
/** Bounds of a picture's area relative to the median area. */
export const MIN_AREA = 1 / 3;
export const MAX_AREA = 3;
/** From this shape on a picture may have a line for itself. */
export const PANORAMA = 2.4;
/** More tiles than this are not read by anybody, and each holds a decoded picture in memory. */
export const MAX_TILES = 60;

// What stretching lines may cost; the gutters take a little more from narrow pictures than from wide ones.
const MAX_STRETCH = 0.11;
// The air around pictures that don't fill the screen, as a part of its shorter side.
const INSET = 0.05;

// Gutters and margin as LOOK.md has them.
const GAP_VMIN = 0.6;
// A typical shape (between 4:3 and 3:2), for estimating how many pictures a screen takes.
const TYPICAL = 1.4;
// What is arranged anew moves in any case, so it may look further for a plan without bars and bare edges: in units of
// `judge`, for all pictures with bars, and for edges. Of 18,000 sets of 30 to 60 usual pictures none had two with bars;
// with the weights of `judge` alone it was one in 500.
const BARS = 9;
const BARE_EDGES = 8;
// A panorama's line is at least this part of a usual one, so that it stays a picture and not a stripe.
const MIN_PANORAMA_LINE = 0.45;

// In one line areas are as shapes, and lines differ in height as well: bounds of a shape relative to the median shape,
// from as free as the areas allow to so narrow that they can't be unfair.
const SHAPE_BOUNDS: readonly (readonly [number, number])[] = [
  [0.36, 2.8],
  [0.45, 2.2],
  [0.6, 1.7],
  [0.8, 1.25],
  [1, 1],
];

/** How a screen is divided. Three rows on a landscape screen, two columns on a portrait one, two rows on a phone. */
export function frameOf(viewport: Viewport): Frame {
  const { width, height } = viewport;
  const gap = Math.max(3, (Math.min(width, height) * GAP_VMIN) / 100);
  const rows = width >= height;
  const main = Math.max(1, (rows ? width : height) - 2 * gap);
  const cross = Math.max(1, (rows ? height : width) - 2 * gap);
  const lines = rows && height >= 560 ? 3.15 : 2.1;
  return { direction: rows ? "rows" : "columns", main, cross, margin: gap, gap, line: cross / lines };
}

/** How many pictures of usual shape fill the frame. */
export function capacity(frame: Frame): number {
  const shape = frame.direction === "rows" ? TYPICAL : 1 / TYPICAL;
  const estimate = (frame.main / (frame.line * shape)) * (frame.cross / frame.line);
  return Math.max(1, Math.min(MAX_TILES, Math.round(estimate)));
}

/** How a list of pictures is cut into lines: as many of the first ones as look right, in their order. */
export function arrange(frame: Frame, pictures: readonly Picture[]): number[] {
  const offered = pictures.slice(0, MAX_TILES);
  if (offered.length === 0) return [];
  const wanted = Math.min(offered.length, capacity(frame));
  let best: { cost: number; lines: number[] } | null = null;
  for (const { lines, count, cost } of candidates(frame, offered)) {
    // With room to spare everybody is shown.
    if (offered.length <= wanted && count !== offered.length) continue;
    const total = cost + 2 * Math.log(count / wanted) ** 2;
    if (best !== null && total >= best.cost) continue;
    const plan = lines();
    const placed = place(frame, cut(offered, plan));
    const bare = offered.length > wanted && !fills(frame, placed) ? BARE_EDGES : 0;
    const judged = total + judge(frame, placed) + BARS * barred(placed) + bare;
    if (best === null || judged < best.cost) best = { cost: judged, lines: plan };
  }
  return best?.lines ?? [offered.length];
}

/** The rectangles of pictures already cut into lines, line by line. */
export function place(frame: Frame, lines: readonly (readonly Picture[])[]): Placed[][] {
  const placed = fairest(frame, lines, (shapes) => spread(frame, lines, shapes));
  if (fills(frame, placed)) return placed;
  // A few pictures that can't fill the screen hang in its middle, with air on all sides.
  const inner = inset(frame);
  return fairest(inner, lines, (shapes) => spread(inner, lines, shapes));
}

/** Whether the rectangles cover the frame from edge to edge. */
export function fills(frame: Frame, placed: readonly (readonly Placed[])[]): boolean {
  const all = placed.flat();
  if (all.length === 0) return false;
  const width = Math.max(...all.map((rect) => rect.x + rect.width)) - Math.min(...all.map((rect) => rect.x));
  const height =
    Math.max(...all.map((rect) => rect.y + rect.height)) - Math.min(...all.map((rect) => rect.y));
  const [along, across] = frame.direction === "rows" ? [width, height] : [height, width];
  return along > frame.main - 1 && across > frame.cross - 1;
}

/** The rectangles of lines whose extents stay as they were: nothing but the changed line moves. */
export function placeWithin(
  frame: Frame,
  lines: readonly (readonly Picture[])[],
  extents: readonly number[],
): Placed[][] {
  return fairest(frame, lines, (shapes) => {
    let cross = frame.margin;
    return lines.map((line, i) => {
      const placed = placeLine(frame, line, shapes[i]!, frame.margin, cross, frame.main, extents[i]!);
      cross += extents[i]! + frame.gap;
      return placed;
    });
  });
}

/** Places pictures in their own shapes if that is fair, else in shapes held closer together. */
function fairest(
  frame: Frame,
  lines: readonly (readonly Picture[])[],
  attempt: (shapes: number[][]) => Placed[][],
): Placed[][] {
  let placed: Placed[][] = [];
  for (const bounds of SHAPE_BOUNDS) {
    placed = attempt(shapesOf(frame, lines, bounds));
    if (areasFair(frame, placed)) break;
  }
  return placed;
}

/** Lines as high as their pictures make them, stretched together until they fill the frame. */
function spread(frame: Frame, lines: readonly (readonly Picture[])[], shapes: number[][]): Placed[][] {
  const sums = shapes.map((line) => line.reduce((sum, shape) => sum + shape, 0));
  const gutters = lines.map((line) => (line.length - 1) * frame.gap);
  const across = frame.cross - (lines.length - 1) * frame.gap;
  const natural = sums.reduce((total, sum, i) => total + (frame.main - gutters[i]!) / sum, 0);
  const stretch = across / natural;

  let main = frame.main;
  let factor = stretch;
  if (stretch < 1 - MAX_STRETCH) {
    // Even squeezed as far as allowed the lines are too high: make them shorter instead.
    factor = 1 - MAX_STRETCH;
    const slope = sums.reduce((total, sum) => total + 1 / sum, 0);
    const lost = sums.reduce((total, sum, i) => total + gutters[i]! / sum, 0);
    main = (across / factor + lost) / slope;
  } else if (stretch > 1 / (1 - MAX_STRETCH)) {
    factor = 1 / (1 - MAX_STRETCH);
  }
  const extents = sums.map((sum, i) => (factor * (main - gutters[i]!)) / sum);
  const used = extents.reduce((a, b) => a + b, 0) + (lines.length - 1) * frame.gap;

  const along = frame.margin + (frame.main - main) / 2;
  let cross = frame.margin + (frame.cross - used) / 2;
  return lines.map((line, i) => {
    const placed = placeLine(frame, line, shapes[i]!, along, cross, main, extents[i]!);
    cross += extents[i]! + frame.gap;
    return placed;
  });
}

function placeLine(
  frame: Frame,
  line: readonly Picture[],
  shapes: readonly number[],
  start: number,
  across: number,
  main: number,
  extent: number,
): Placed[] {
  const inner = main - (line.length - 1) * frame.gap;
  const sum = shapes.reduce((a, b) => a + b, 0);
  let along = start;
  return line.map((picture, k) => {
    const length = (inner * shapes[k]!) / sum;
    const rect = toRect(frame, along, across, length, extent);
    along += length + frame.gap;
    return { ...rect, ...fitInto(rect.width / rect.height, picture) };
  });
}

/** How a picture sits in a rectangle of another shape. */
export function fitInto(aspect: number, picture: Picture): Pick<Placed, "fit" | "position"> {
  const loss = 1 - Math.min(aspect / picture.aspect, picture.aspect / aspect);
  if (loss > MAX_CROP + 1e-6) return { fit: "contain", position: [50, 50] };
  const [x, y] = picture.focus ?? [0, 0];
  return { fit: "cover", position: [anchor((x + 1) / 2, loss), anchor((1 - y) / 2, loss)] };
}

/** Whether all areas are within bounds of their median; a panorama alone in its line is not asked. */
export function areasFair(frame: Frame, placed: readonly (readonly Placed[])[]): boolean {
  const areas = placed.flat().map((rect) => rect.width * rect.height);
  const middle = median(areas);
  return placed.every((line) =>
    line.every((rect) => {
      const ratio = (rect.width * rect.height) / middle;
      if (line.length === 1 && shapeOf(frame, rect.width / rect.height) >= PANORAMA) return true;
      return ratio >= MIN_AREA - 1e-9 && ratio <= MAX_AREA + 1e-9;
    }),
  );
}

/** A picture's length along a line over its length across. */
export function shapeOf(frame: Frame, aspect: number): number {
  return frame.direction === "rows" ? aspect : 1 / aspect;
}

export function cut<T>(items: readonly T[], lengths: readonly number[]): T[][] {
  let from = 0;
  return lengths.map((length) => {
    from += length;
    return items.slice(from - length, from);
  });
}

interface Candidate {
  readonly count: number;
  readonly cost: number;
  lines(): number[];
}

/** For each number of lines and pictures the most even way to break them, cheapest first within a line count. */
function* candidates(frame: Frame, pictures: readonly Picture[]): Generator<Candidate> {
  const own = pictures.map((picture) => shapeOf(frame, picture.aspect));
  const [low, high] = SHAPE_BOUNDS[0]!.map((bound) => bound * median(own));
  const shapes = own.map((shape) => clamp(shape, low!, high!));
  const sums = [0];
  for (const shape of shapes) sums.push(sums.at(-1)! + shape);
  const most = Math.min(pictures.length, Math.max(1, Math.ceil(frame.cross / frame.line) + 1));

  for (let count = 1; count <= most; count++) {
    const target = (frame.cross - (count - 1) * frame.gap) / count;
    const evenness = 5 * Math.log(target / frame.line) ** 2;
    const table = breakLines(frame, pictures, sums, count, target);
    for (let end = count; end <= pictures.length; end++) {
      const cost = table.cost[count]![end]!;
      if (!Number.isFinite(cost)) continue;
      const enough = pictures.length > capacity(frame);
      yield {
        count: end,
        cost: cost / count + (enough ? evenness : 0),
        lines: () => {
          const lengths: number[] = [];
          for (let line = count, to = end; line > 0; line--) {
            const from = table.from[line]![to]!;
            lengths.unshift(to - from);
            to = from;
          }
          return lengths;
        },
      };
    }
  }
}

/** Dynamic programming over (line, last picture): the squared log-distance of each line's extent from the target. */
function breakLines(
  frame: Frame,
  pictures: readonly Picture[],
  sums: readonly number[],
  count: number,
  target: number,
) {
  const size = pictures.length;
  const cost = Array.from({ length: count + 1 }, () =>
    new Array<number>(size + 1).fill(Number.POSITIVE_INFINITY),
  );
  const from = Array.from({ length: count + 1 }, () => new Array<number>(size + 1).fill(0));
  cost[0]![0] = 0;
  for (let line = 1; line <= count; line++) {
    for (let end = line; end <= size; end++) {
      for (let start = line - 1; start < end; start++) {
        const before = cost[line - 1]![start]!;
        if (!Number.isFinite(before)) continue;
        const lone = end - start === 1 ? shapeOf(frame, pictures[start]!.aspect) : 0;
        const isPanorama = lone >= PANORAMA && frame.main / lone >= MIN_PANORAMA_LINE * target;
        const sum = isPanorama ? lone : sums[end]! - sums[start]!;
        const extent = (frame.main - (end - start - 1) * frame.gap) / sum;
        const total = before + (isPanorama ? 0 : Math.log(extent / target) ** 2);
        if (total < cost[line]![end]!) {
          cost[line]![end] = total;
          from[line]![end] = start;
        }
      }
    }
  }
  return { cost, from };
}

/** What the eye minds about a finished plan: an unfilled screen, hidden sides, unfair sizes. */
export function judge(frame: Frame, placed: readonly (readonly Placed[])[]): number {
  const all = placed.flat();
  const area = all.reduce((sum, rect) => sum + rect.width * rect.height, 0);
  const empty = 1 - area / (frame.main * frame.cross);
  return 3 * empty + barred(placed) + (areasFair(frame, placed) ? 0 : 100);
}

/** The part of the pictures that are shown whole between bars. */
function barred(placed: readonly (readonly Placed[])[]): number {
  const all = placed.flat();
  return all.filter((rect) => rect.fit === "contain").length / all.length;
}

/** The shapes lines are built with: the pictures' own, within bounds around their median. */
function shapesOf(
  frame: Frame,
  lines: readonly (readonly Picture[])[],
  bounds: readonly [number, number],
): number[][] {
  const middle = median(lines.flat().map((picture) => shapeOf(frame, picture.aspect)));
  return lines.map((line) => {
    const own = line.map((picture) => shapeOf(frame, picture.aspect));
    if (own.length === 1 && own[0]! >= PANORAMA) {
      return [Math.min(own[0]!, frame.main / (MIN_PANORAMA_LINE * frame.line))];
    }
    return own.map((shape) => clamp(shape, middle * bounds[0], middle * bounds[1]));
  });
}

function inset(frame: Frame): Frame {
  const air = Math.min(frame.main, frame.cross) * INSET;
  return {
    ...frame,
    main: frame.main - 2 * air,
    cross: frame.cross - 2 * air,
    margin: frame.margin + air,
  };
}

function toRect(frame: Frame, along: number, across: number, length: number, extent: number) {
  return frame.direction === "rows"
    ? { x: along, y: across, width: length, height: extent }
    : { x: across, y: along, width: extent, height: length };
}

/** Where the visible part lies so that the focus point is as near its middle as the crop allows. */
function anchor(point: number, loss: number): number {
  if (loss < 1e-6) return 50;
  return clamp((point - (1 - loss) / 2) / loss, 0, 1) * 100;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 1;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
