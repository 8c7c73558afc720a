import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Arrivals, HURRIED_MS, MAX_WAITING, PATIENCE, SLOTS, TURN_MS } from "../../src/wall/arrivals.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function desk(prepare: (item: string) => Promise<string> = async (item) => item) {
  const entered: string[] = [];
  const failed: string[] = [];
  const gone = new Set<string>();
  const arrivals = new Arrivals<string, string>({
    prepare,
    wanted: (item) => !gone.has(item),
    enter: (item) => void entered.push(item),
    failed: (item) => void failed.push(item),
    now: Date.now,
  });
  return {
    arrivals,
    entered,
    failed,
    gone,
    offer: (...items: string[]) => items.forEach((item) => void arrivals.offer(item, item)),
  };
}

test("at most two enter at once, the next when a turn is over", async () => {
  const { offer, entered } = desk();
  offer("a", "b", "c");
  await vi.advanceTimersByTimeAsync(0);
  expect(entered).toEqual(["a", "b"]);
  expect(SLOTS).toBe(2);
  await vi.advanceTimersByTimeAsync(TURN_MS - 1);
  expect(entered).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(entered).toEqual(["a", "b", "c"]);
});

test("nothing enters before it is decoded, and a slow one does not hold up the others", async () => {
  let decoded = (_: string) => {};
  const slow = new Promise<string>((resolve) => {
    decoded = resolve;
  });
  const { offer, entered } = desk((item) => (item === "slow" ? slow : Promise.resolve(item)));
  offer("slow", "quick");
  await vi.advanceTimersByTimeAsync(10);
  expect(entered).toEqual(["quick"]);
  decoded("slow");
  await vi.advanceTimersByTimeAsync(0);
  expect(entered).toEqual(["quick", "slow"]);
});

test("what was removed while it was decoded never enters", async () => {
  const { arrivals, offer, entered, gone } = desk();
  offer("a", "b");
  gone.add("a");
  arrivals.forget("b");
  await vi.advanceTimersByTimeAsync(TURN_MS);
  expect(entered).toEqual([]);
});

test("a picture that cannot be decoded is reported and the next one enters", async () => {
  const { offer, entered, failed } = desk((item) =>
    item === "bad" ? Promise.reject(new Error("broken")) : Promise.resolve(item),
  );
  offer("bad", "good");
  await vi.advanceTimersByTimeAsync(0);
  expect(failed).toEqual(["bad"]);
  expect(entered).toEqual(["good"]);
});

test("while paused nothing enters; afterwards everything does", async () => {
  const { arrivals, offer, entered } = desk();
  arrivals.pause(true);
  offer("a");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(entered).toEqual([]);
  expect(arrivals.waiting).toBe(1);
  arrivals.pause(false);
  expect(entered).toEqual(["a"]);
});

test("when many wait, turns are short", async () => {
  const { offer, entered } = desk();
  offer(...Array.from({ length: PATIENCE + 8 }, (_, i) => `p${i}`));
  await vi.advanceTimersByTimeAsync(HURRIED_MS);
  expect(entered).toHaveLength(4);
});

test("more than a screenful waiting: the oldest is skipped and counted", async () => {
  const { arrivals, offer } = desk();
  arrivals.pause(true);
  offer(...Array.from({ length: MAX_WAITING + 3 }, (_, i) => `p${i}`));
  expect(arrivals.waiting).toBe(MAX_WAITING);
  expect(arrivals.skipped).toBe(3);
  expect(arrivals.has("p2")).toBe(false);
});

test("the same picture waits once", () => {
  const { arrivals, offer } = desk();
  arrivals.pause(true);
  offer("a", "a");
  expect(arrivals.waiting).toBe(1);
});
