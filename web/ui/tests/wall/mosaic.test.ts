import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { areasFair, capacity, frameOf, type Placed } from "../../src/wall/layout.js";
import {
  admit,
  type Item,
  NOTHING,
  type Plan,
  planAnew,
  positions,
  withdraw,
} from "../../src/wall/mosaic.js";

const SHAPES = [4 / 3, 3 / 2, 16 / 9, 1, 3 / 4, 2 / 3, 9 / 16, 4 / 5];
const screen = frameOf({ width: 1920, height: 1080 });

function item(rank: number, aspect = SHAPES[(rank * 5) % SHAPES.length]!): Item {
  return { key: `k${rank}`, group: `g${rank}`, rank, aspect, focus: null };
}

function full(frame = screen): Plan {
  return planAnew(
    frame,
    Array.from({ length: 40 }, (_, i) => item(40 - i)),
  );
}

const keys = (plan: Plan) => plan.lines.flat().map((one) => one.key);

function moved(before: Map<string, Placed>, after: Map<string, Placed>): string[] {
  return [...before]
    .filter(([key, from]) => {
      const to = after.get(key);
      return to && (Math.abs(to.x - from.x) > 0.5 || Math.abs(to.y - from.y) > 0.5);
    })
    .map(([key]) => key);
}

test("the first picture stands alone", () => {
  expect(keys(admit(screen, NOTHING, item(1)))).toEqual(["k1"]);
});

test("while the wall fills, everybody stays", () => {
  let plan = NOTHING;
  for (let rank = 1; rank <= 6; rank++) plan = admit(screen, plan, item(rank));
  expect(keys(plan).sort()).toEqual(["k1", "k2", "k3", "k4", "k5", "k6"]);
});

test("on a full wall an arrival moves pictures of one line only", () => {
  const plan = full();
  const next = admit(screen, plan, item(41, 1.5));
  expect(keys(next)).toContain("k41");
  const lines = new Set(
    moved(positions(screen, plan), positions(screen, next)).map((key) =>
      plan.lines.findIndex((line) => line.some((one) => one.key === key)),
    ),
  );
  expect(lines.size).toBeLessThanOrEqual(1);
});

test("it is the older pictures that give way", () => {
  let plan = full();
  for (let rank = 41; rank < 90; rank++) {
    const before = plan;
    plan = admit(screen, plan, item(rank));
    const gone = before.lines.flat().filter((one) => !keys(plan).includes(one.key));
    const ranks = before.lines
      .flat()
      .map((one) => one.rank)
      .sort((a, b) => b - a);
    // The newest third of what is on the glass is never displaced.
    for (const one of gone)
      expect(ranks.indexOf(one.rank)).toBeGreaterThanOrEqual(Math.floor(ranks.length / 3));
  }
});

test("pictures of one post stand together, in their order, where they can", () => {
  const plan = admit(screen, full(), { ...item(42, 1.5), group: "album" });
  const next = admit(screen, plan, { ...item(41, 0.75), group: "album" });
  const line = next.lines.find((one) => one.some((other) => other.key === "k41"))!;
  const order = line.map((one) => one.key);
  expect(order.indexOf("k41")).toBe(order.indexOf("k42") + 1);
});

test("what is removed is gone, and an older picture takes its place", () => {
  const plan = full();
  const [first] = keys(plan);
  const shown = new Set(keys(plan));
  const reserve = Array.from({ length: 40 }, (_, i) => item(40 - i)).filter((one) => !shown.has(one.key));
  const next = withdraw(screen, plan, new Set([first!]), reserve);
  expect(keys(next)).not.toContain(first);
  expect(keys(next).length).toBeGreaterThanOrEqual(keys(plan).length - 1);
  expect(new Set(keys(next)).size).toBe(keys(next).length);
});

test("when everything is removed nothing is left", () => {
  const plan = full();
  expect(keys(withdraw(screen, plan, new Set(keys(plan)), []))).toEqual([]);
});

describe("for any sequence of arrivals and removals on any screen", () => {
  test("the newest arrival stands, nothing stands twice, nothing removed stands, sizes are fair", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          { width: 1920, height: 1080 },
          { width: 1080, height: 1920 },
          { width: 390, height: 844 },
        ),
        fc.array(
          fc.record({
            aspect: fc.oneof(
              { weight: 6, arbitrary: fc.constantFrom(...SHAPES) },
              { weight: 1, arbitrary: fc.double({ min: 0.2, max: 6, noNaN: true }) },
            ),
            removes: fc.option(fc.nat(30), { freq: 3 }),
          }),
          { minLength: 1, maxLength: 60 },
        ),
        (viewport, steps) => {
          const frame = frameOf(viewport);
          let plan = NOTHING;
          const gone = new Set<string>();
          steps.forEach(({ aspect, removes }, rank) => {
            plan = admit(frame, plan, item(rank, aspect));
            expect(keys(plan)).toContain(`k${rank}`);
            if (removes !== null) {
              const key = keys(plan)[removes % keys(plan).length]!;
              gone.add(key);
              plan = withdraw(frame, plan, new Set([key]), []);
            }
            const shown = keys(plan);
            expect(new Set(shown).size).toBe(shown.length);
            expect(shown.filter((key) => gone.has(key))).toEqual([]);
            expect(shown.length).toBeLessThanOrEqual(capacity(frame) * 2);
            const placed = positions(frame, plan);
            expect(
              areasFair(
                frame,
                plan.lines.map((line) => line.map((one) => placed.get(one.key)!)),
              ),
            ).toBe(true);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test("once there are pictures enough the screen stays covered", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          { width: 1920, height: 1080 },
          { width: 1080, height: 1920 },
          { width: 390, height: 844 },
        ),
        fc.array(fc.tuple(fc.constantFrom(...SHAPES), fc.option(fc.nat(30), { freq: 4 })), {
          minLength: 60,
          maxLength: 120,
        }),
        (viewport, steps) => {
          const frame = frameOf(viewport);
          let plan = NOTHING;
          let there: Item[] = [];
          const rest = () => {
            const shown = new Set(keys(plan));
            return there.filter((one) => !shown.has(one.key)).sort((a, b) => b.rank - a.rank);
          };
          steps.forEach(([aspect, removes], rank) => {
            const fresh = item(rank, aspect);
            plan = admit(frame, plan, fresh, rest());
            there.push(fresh);
            if (removes !== null && rank > 40) {
              const key = keys(plan)[removes % keys(plan).length]!;
              there = there.filter((one) => one.key !== key);
              plan = withdraw(frame, plan, new Set([key]), rest());
            }
            if (rank < 40) return;
            expect(plan.extents).not.toBeNull();
            const bars = [...positions(frame, plan).values()].filter((place) => place.fit === "contain");
            expect(bars).toEqual([]);
          });
        },
      ),
      { numRuns: 25 },
    );
  });
});
