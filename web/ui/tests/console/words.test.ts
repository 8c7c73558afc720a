import { expect, test } from "vitest";
import { ago, shortCount, since } from "../../src/console/words.js";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

test("times are short, and never in the future", () => {
  expect([2, 44, 61, 3 * 3600, 50 * 3600].map((seconds) => ago(before(seconds), NOW))).toEqual([
    "now",
    "40 s",
    "1 min",
    "3 h",
    "2 d",
  ]);
  expect(ago(before(-30), NOW)).toBe("now");
  expect(since(before(0), NOW)).toBe("just now");
});

test("large counts stay narrow", () => {
  expect(shortCount(12_345)).toBe("12k");
  expect(shortCount(2_400_000)).toBe("2.4M");
});
