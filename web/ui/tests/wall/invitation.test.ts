import { describe, expect, test } from "vitest";
import { outlineOf } from "../../src/wall/invitation.js";

describe("the invitation", () => {
  test("its code has four modules of light around it", () => {
    const { path, side } = outlineOf("https://wall.example/w/party/add");
    // Sizes of QR codes are 17 + 4 × version.
    expect((side - 8 - 17) % 4).toBe(0);
    const corners = [...path.matchAll(/(-?\d+) (-?\d+)/g)].flatMap(([, x, y]) => [Number(x), Number(y)]);
    expect(Math.min(...corners)).toBe(0);
    expect(Math.max(...corners)).toBe(side - 8);
  });

  test("the same address gives the same code", () => {
    expect(outlineOf("https://wall.example/")).toEqual(outlineOf("https://wall.example/"));
  });
});
