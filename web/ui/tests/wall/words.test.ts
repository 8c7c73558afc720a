import { expect, test } from "vitest";
import { duration } from "../../src/duration.js";
import { aspectOf, chooseRendition, piecesOf } from "../../src/wall/pieces.js";
import { applySnapshot, EMPTY } from "../../src/wall/reducer.js";
import { altText, flowing, relativeTime } from "../../src/wall/words.js";
import { must, snapshot, snapshotOf } from "./samples.js";

const now = Date.UTC(2026, 10, 21, 12);

test.each([
  [5_000, "now"],
  [-60_000, "now"],
  [61_000, "1 min"],
  [59 * 60_000, "59 min"],
  [3 * 3_600_000, "3 h"],
  [2 * 86_400_000, "2 d"],
  [40 * 86_400_000, "Oct 12"],
  [400 * 86_400_000, "Oct 17, 2025"],
])("%i ms ago is %s", (age, said) => {
  expect(relativeTime(now - age, now, "en-US")).toBe(said);
});

test.each([
  [7_200, "0:07"],
  [760_000, "12:40"],
  [11_100_000, "3:05:00"],
])("%i ms last %s", (milliseconds, said) => {
  expect(duration(milliseconds)).toBe(said);
});

test("text flows as one paragraph", () => {
  expect(flowing(" a\n\n b\t c ")).toBe("a b c");
});

test("a picture without a description is named after its author and place", () => {
  const [piece] = piecesOf(applySnapshot(EMPTY, snapshot("aaaa-1", ["a"])));
  expect(altText(must(piece))).toBe("Picture by Ada, no description");
});

test("each picture of a post is a piece, in order, and pictures without renditions are none", () => {
  const [post] = snapshot("aaaa-1", ["a"]).posts;
  const [media] = must(post).media;
  const album = {
    ...must(post),
    media: [
      { ...must(media), id: "m1" },
      { ...must(media), id: "m2", renditions: [] },
      { ...must(media), id: "m3" },
    ],
  };
  const pieces = piecesOf(applySnapshot(EMPTY, snapshotOf("aaaa-1", [album])));
  expect(pieces.map((piece) => [piece.media.id, piece.number, piece.of])).toEqual([
    ["m1", 1, 2],
    ["m3", 2, 2],
  ]);
  expect(must(pieces[0]).rank).toBeGreaterThan(must(pieces[1]).rank);
});

test("the smallest rendition that fills the tile is chosen, else the largest", () => {
  const [media] = must(snapshot("aaaa-1", ["a"]).posts[0]).media;
  const role = (width: number, pixelRatio: number) =>
    chooseRendition(must(media), { width, height: width * 0.75 }, pixelRatio)?.role;
  expect(role(300, 1)).toBe("thumbnail-320");
  expect(role(300, 2)).toBe("thumbnail-640");
  expect(role(1_000, 2)).toBe("thumbnail-640");
  expect(aspectOf(must(media))).toBeCloseTo(4 / 3);
});
