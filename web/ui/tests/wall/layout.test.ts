import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  areasFair,
  arrange,
  capacity,
  cut,
  fills,
  fitInto,
  frameOf,
  MAX_CROP,
  type Picture,
  type Placed,
  place,
  type Viewport,
} from "../../src/wall/layout.js";

const picture = (aspect: number, focus: Picture["focus"] = null): Picture => ({ aspect, focus });

// From a phone on its side to a wall of displays; shapes as cameras, phones, scanners and panoramas make them.
const viewports: fc.Arbitrary<Viewport> = fc.oneof(
  fc.constantFrom(
    { width: 1920, height: 1080 },
    { width: 3840, height: 2160 },
    { width: 1080, height: 1920 },
    { width: 390, height: 844 },
    { width: 844, height: 390 },
    { width: 5120, height: 1440 },
  ),
  fc.record({ width: fc.integer({ min: 320, max: 7680 }), height: fc.integer({ min: 320, max: 4320 }) }),
);
const usual = fc.constantFrom(4 / 3, 3 / 2, 16 / 9, 1, 3 / 4, 2 / 3, 9 / 16, 4 / 5);
const any = fc.oneof(
  { weight: 4, arbitrary: usual },
  { weight: 1, arbitrary: fc.double({ min: 0.08, max: 12, noNaN: true }) },
);
const pictures = (aspects: fc.Arbitrary<number>) =>
  fc.array(
    fc.record({
      aspect: aspects,
      focus: fc.option(
        fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })),
      ),
    }),
    { minLength: 1, maxLength: 60 },
  );

function laid(viewport: Viewport, items: readonly Picture[]) {
  const frame = frameOf(viewport);
  const lengths = arrange(frame, items);
  const lines = cut(items, lengths);
  return { frame, lines, placed: place(frame, lines) };
}

/** Each neighbouring pair in a line, and each neighbouring pair of lines, is one gap apart; lines end flush. */
function expectNoHoles(direction: "rows" | "columns", placed: Placed[][], gap: number): void {
  const start = (rect: Placed) => (direction === "rows" ? rect.x : rect.y);
  const length = (rect: Placed) => (direction === "rows" ? rect.width : rect.height);
  const across = (rect: Placed) => (direction === "rows" ? rect.y : rect.x);
  const extent = (rect: Placed) => (direction === "rows" ? rect.height : rect.width);
  const first = placed[0]![0]!;
  const end = start(placed[0]!.at(-1)!) + length(placed[0]!.at(-1)!);
  placed.forEach((line, i) => {
    expect(start(line[0]!)).toBeCloseTo(start(first), 3);
    expect(start(line.at(-1)!) + length(line.at(-1)!)).toBeCloseTo(end, 3);
    line.forEach((rect, k) => {
      expect(across(rect)).toBeCloseTo(across(line[0]!), 3);
      expect(extent(rect)).toBeCloseTo(extent(line[0]!), 3);
      if (k > 0) expect(start(rect) - start(line[k - 1]!) - length(line[k - 1]!)).toBeCloseTo(gap, 3);
    });
    if (i > 0) {
      const before = placed[i - 1]![0]!;
      expect(across(line[0]!) - across(before) - extent(before)).toBeCloseTo(gap, 3);
    }
  });
}

describe("for every screen and every set of pictures", () => {
  test("rectangles stand gap by gap, without overlap or hole, inside the screen", () => {
    fc.assert(
      fc.property(viewports, pictures(any), (viewport, items) => {
        const { frame, placed } = laid(viewport, items);
        expect(placed.flat().length).toBeGreaterThan(0);
        expectNoHoles(frame.direction, placed, frame.gap);
        for (const rect of placed.flat()) {
          expect(rect.width).toBeGreaterThan(0);
          expect(rect.height).toBeGreaterThan(0);
          expect(rect.x).toBeGreaterThanOrEqual(frame.margin - 1e-6);
          expect(rect.y).toBeGreaterThanOrEqual(frame.margin - 1e-6);
          expect(rect.x + rect.width).toBeLessThanOrEqual(viewport.width - frame.margin + 1e-6);
          expect(rect.y + rect.height).toBeLessThanOrEqual(viewport.height - frame.margin + 1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("no picture is under a third or over three times the median area, but a panorama in its own line", () => {
    fc.assert(
      fc.property(viewports, pictures(any), (viewport, items) => {
        const { frame, placed } = laid(viewport, items);
        expect(areasFair(frame, placed)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("a crop costs at most 12 % of a side, and keeps the focus point in sight", () => {
    fc.assert(
      fc.property(viewports, pictures(any), (viewport, items) => {
        const { lines, placed } = laid(viewport, items);
        placed.forEach((line, i) => {
          line.forEach((rect, k) => {
            const { aspect, focus } = lines[i]![k]!;
            if (rect.fit === "contain") return;
            const shape = rect.width / rect.height;
            const loss = 1 - Math.min(shape / aspect, aspect / shape);
            expect(loss).toBeLessThanOrEqual(MAX_CROP + 1e-6);
            const [x, y] = focus ?? [0, 0];
            const [point, position] =
              shape < aspect ? [(x + 1) / 2, rect.position[0]] : [(1 - y) / 2, rect.position[1]];
            const hidden = (position / 100) * loss;
            expect(point).toBeGreaterThanOrEqual(hidden - 1e-6);
            expect(point).toBeLessThanOrEqual(hidden + 1 - loss + 1e-6);
          });
        });
      }),
      { numRuns: 300 },
    );
  });

  test("the same pictures always give the same rectangles", () => {
    fc.assert(
      fc.property(viewports, pictures(any), (viewport, items) => {
        expect(laid(viewport, items).placed).toEqual(laid(viewport, items).placed);
      }),
      { numRuns: 30 },
    );
  });
});

describe("with pictures of usual shapes", () => {
  const screens = fc.constantFrom(
    { width: 1920, height: 1080 },
    { width: 1080, height: 1920 },
    { width: 390, height: 844 },
  );
  const enough = fc.array(
    usual.map((aspect) => picture(aspect)),
    { minLength: 30, maxLength: 60 },
  );

  test("enough of them cover the whole screen", () => {
    fc.assert(
      fc.property(screens, enough, (viewport, items) => {
        const { frame, placed } = laid(viewport, items);
        expect(fills(frame, placed)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  // A property of most walls and not of each, so it is counted, over the same walls each time: each photographer's
  // pictures come together and in one shape, which is hard to lay out.
  test("hardly one picture is shown between bars", () => {
    const runs = fc
      .array(fc.tuple(usual, fc.integer({ min: 1, max: 8 })), { minLength: 30, maxLength: 30 })
      .map((several) =>
        several.flatMap(([aspect, count]) => Array.from({ length: count }, () => picture(aspect))),
      );
    const walls = fc.sample(fc.tuple(screens, runs), { seed: 1, numRuns: 2000 });
    const barred = walls.map(
      ([viewport, items]) =>
        laid(viewport, items)
          .placed.flat()
          .filter((rect) => rect.fit === "contain").length,
    );
    expect(Math.max(...barred)).toBeLessThanOrEqual(2);
    expect(barred.filter((count) => count > 0).length).toBeLessThanOrEqual(4);
  });

  test("while there is room every picture has a place", () => {
    fc.assert(
      fc.property(viewports, pictures(usual), (viewport, items) => {
        const few = items.slice(0, capacity(frameOf(viewport)));
        expect(laid(viewport, few).placed.flat()).toHaveLength(few.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("directions", () => {
  test("a landscape screen has rows, a portrait screen columns", () => {
    expect(frameOf({ width: 1920, height: 1080 }).direction).toBe("rows");
    expect(frameOf({ width: 1080, height: 1920 }).direction).toBe("columns");
  });

  test("the same picture, alone, is as large as the screen and its air allow", () => {
    const { placed } = laid({ width: 1920, height: 1080 }, [picture(1)]);
    const [rect] = placed.flat();
    expect(rect!.height).toBeGreaterThan(1080 * 0.85);
    expect(rect!.x + rect!.width / 2).toBeCloseTo(960, 3);
  });

  test("a panorama may have a row for itself", () => {
    const items = [picture(5), ...Array.from({ length: 20 }, () => picture(1.5))];
    const { placed, lines } = laid({ width: 1920, height: 1080 }, items);
    const row = lines.findIndex((line) => line.includes(items[0]!));
    expect(placed[row]!.find((_, k) => lines[row]![k] === items[0])!.fit).toBe("cover");
  });
});

test("a crop keeps the side that the focus point is on", () => {
  const right = fitInto(0.9, picture(1, [1, 0]));
  const left = fitInto(0.9, picture(1, [-1, 0]));
  expect(right).toEqual({ fit: "cover", position: [100, 50] });
  expect(left).toEqual({ fit: "cover", position: [0, 50] });
  expect(fitInto(1.1, picture(1, [0, 1])).position[1]).toBe(0);
});
