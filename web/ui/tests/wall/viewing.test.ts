import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CORNERS, cornerFor, cornerOf } from "../../src/wall/corners.js";
import { wholesOf } from "../../src/wall/pieces.js";
import { nextTurn, PAUSE_MS, REST_MS } from "../../src/wall/turns.js";
import { readEvent } from "../../src/wall/types.js";
import { beside, swipeOf } from "../../src/wall/viewing.js";
import { must, wireEvent, wirePost } from "./samples.js";

const pieces = ["c", "b", "a"].map((key) => ({ key }));

describe("moving on", () => {
  test("goes from newer to older and stops at either end", () => {
    expect(beside(pieces, "c", 1)?.key).toBe("b");
    expect(beside(pieces, "c", -1)).toBeNull();
    expect(beside(pieces, "a", 1)).toBeNull();
  });

  test("from a picture that is gone there is nowhere to go", () => {
    expect(beside(pieces, "x", 1)).toBeNull();
  });

  test.each([
    [-80, 10, "older"],
    [80, -20, "newer"],
    [5, 90, "close"],
    [5, -90, null],
    [20, 20, null],
    [70, 65, null],
  ])("a finger that moved by %i, %i means %s", (x, y, meant) => {
    expect(swipeOf(x, y)).toBe(meant);
  });
});

describe("a picture for a whole screen", () => {
  const media = (fields: Record<string, unknown> = {}) => {
    const post = wirePost("p") as { media: Record<string, unknown>[] };
    post.media[0] = { ...post.media[0], width: 4000, height: 3000, ...fields };
    const event = must(readEvent(wireEvent(1, "published", { post })));
    if (event.kind !== "published") throw new Error("not published");
    return must(event.post.media[0]);
  };
  const roles = (width: number, height: number, ratio = 1, fields = {}) =>
    wholesOf(media(fields), { width, height }, ratio).map((one) => one.role);

  test("is as large as the screen deserves, and what is at hand comes last", () => {
    expect(roles(300, 800)).toEqual(["thumbnail-320"]);
    expect(roles(1280, 900)).toEqual(["display-1280", "thumbnail-640", "thumbnail-320"]);
    expect(roles(1920, 1080, 2)[0]).toBe("display-2560");
  });

  test("is not asked for larger than it was taken", () => {
    expect(roles(3840, 2160, 1, { width: 640, height: 480 })[0]).toBe("thumbnail-640");
    expect(roles(3840, 2160, 1, { width: 1000, height: 750 })[0]).toBe("display-1280");
  });

  test("a film's poster is taken as it is", () => {
    expect(roles(3840, 2160, 1, { kind: "video" })[0]).toBe("thumbnail-640");
  });
});

describe("turns of films", () => {
  const films = [
    { key: "old", rank: 1 },
    { key: "new", rank: 2 },
  ];

  test("the newest that was never seen goes first", () => {
    expect(nextTurn(films, new Map(), null, 0)).toBe("new");
    expect(nextTurn(films, new Map([["new", 0]]), 0, PAUSE_MS)).toBe("old");
  });

  test("between two the wall is still", () => {
    expect(nextTurn(films, new Map([["new", 0]]), 0, PAUSE_MS - 1)).toBeNull();
  });

  test("what was seen rests before it comes again", () => {
    const played = new Map([
      ["new", 0],
      ["old", 30_000],
    ]);
    expect(nextTurn(films, played, 30_000, REST_MS - 1)).toBeNull();
    expect(nextTurn(films, played, 30_000, REST_MS)).toBe("new");
  });
});

describe("the card's corner", () => {
  const screen = { width: 1920, height: 1080 };
  const card = { width: 220, height: 320 };

  test("stays as long as the newest picture is elsewhere", () => {
    expect(cornerFor("top-left", "top-left", card, screen, { x: 900, y: 0, width: 400, height: 300 })).toBe(
      "top-left",
    );
  });

  test("makes way for the newest picture, and comes back to where it is wanted", () => {
    const under = { x: 0, y: 0, width: 500, height: 400 };
    expect(cornerFor("top-left", "top-left", card, screen, under)).toBe("top-right");
    const right = { x: 1500, y: 0, width: 420, height: 400 };
    expect(cornerFor("top-right", "top-left", card, screen, right)).toBe("top-left");
  });

  test("never covers the newest picture where a corner is free", () => {
    const rect = fc.record({
      x: fc.integer({ min: 0, max: 1900 }),
      y: fc.integer({ min: 0, max: 1000 }),
      width: fc.integer({ min: 1, max: 800 }),
      height: fc.integer({ min: 1, max: 600 }),
    });
    fc.assert(
      fc.property(rect, fc.constantFrom(...CORNERS), fc.constantFrom(...CORNERS), (newest, now, wanted) => {
        const corner = cornerFor(now, wanted, card, screen, newest);
        const x = corner === "top-right" ? screen.width - card.width : 0;
        const y = corner === "bottom-left" ? screen.height - card.height : 0;
        const covers =
          x < newest.x + newest.width &&
          newest.x < x + card.width &&
          y < newest.y + newest.height &&
          newest.y < y + card.height;
        expect(covers).toBe(false);
      }),
    );
  });

  test("a setting that is none is the usual corner", () => {
    expect(cornerOf("middle")).toBe("top-left");
    expect(cornerOf("bottom-left")).toBe("bottom-left");
  });
});
