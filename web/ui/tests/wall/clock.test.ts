import { expect, test } from "vitest";
import { ServerClock } from "../../src/wall/clock.js";

test("an answer's time is taken as that of the middle of its way", () => {
  let local = 1_000;
  const clock = new ServerClock(() => local);
  local = 1_200;
  clock.restart(501_100, 1_000);
  expect(clock.now()).toBe(501_200);
});

test("a later time that the server has passed moves the clock on, an earlier one never back", () => {
  const clock = new ServerClock(() => 1_000);
  clock.atLeast(5_000);
  clock.atLeast(4_000);
  expect(clock.now()).toBe(5_000);
  clock.atLeast(5_500);
  expect(clock.now()).toBe(5_500);
});
