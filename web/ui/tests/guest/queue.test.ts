import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  due,
  isMoving,
  nextDue,
  progressOf,
  type Queue,
  reduce,
  SLOTS,
  START,
} from "../../src/guest/queue.js";
import { entry, upload, waitingStep } from "./samples.js";

const steps = (queue: Queue) => queue.map((one) => one.step.at);

describe("turns", () => {
  test("nothing is sent before the guest says so", () => {
    const queue = [entry(1), entry(2)];
    expect(due(queue, 0)).toEqual([]);
    expect(nextDue(queue)).toBeNull();
    expect(due(reduce(queue, { type: "start", now: 5 }), 5)).toHaveLength(2);
  });

  test("at most two are on their way", () => {
    const queue = [entry(1, { at: "sending", sent: 1 }), entry(2, waitingStep(0)), entry(3, waitingStep(0))];
    expect(due(queue, 0).map((one) => one.id)).toEqual([2]);
    expect(due([...queue, entry(4, { at: "confirming" })], 0)).toEqual([]);
  });

  test("who waits for a moment does not hold up those behind", () => {
    const queue = [entry(1, waitingStep(900)), entry(2, waitingStep(0))];
    expect(due(queue, 100).map((one) => one.id)).toEqual([2]);
    expect(nextDue(queue)).toBe(0);
  });

  test("whatever happens, never more than two move", () => {
    const step = fc.constantFrom(
      { at: "asking" } as const,
      { at: "confirming" } as const,
      { at: "chosen" } as const,
      waitingStep(0),
      waitingStep(50),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.nat(100), (all, now) => {
        const queue = all.map((one, i) => entry(i, one));
        const moving = queue.filter(isMoving).length;
        expect(moving + due(queue, now).length).toBeLessThanOrEqual(Math.max(SLOTS, moving));
      }),
    );
  });
});

describe("waiting", () => {
  test("the network's return ends a pause of ours, and none that the server asked for", () => {
    const queue = [entry(1, waitingStep(900)), entry(2, waitingStep(900, { asked: true }))];
    const after = reduce(queue, { type: "hurry", until: 100 });
    expect(due(after, 100).map((one) => one.id)).toEqual([1]);
  });

  test("only what counts as a failure is counted", () => {
    const queue = [entry(1, { at: "asking" })];
    const step = waitingStep(10);
    expect(reduce(queue, { type: "failed", id: 1, step, counted: false })[0]?.attempts).toBe(0);
    expect(reduce(queue, { type: "failed", id: 1, step, counted: true })[0]?.attempts).toBe(1);
  });

  test("another try begins anew", () => {
    const refused = entry(1, { at: "refused", sentence: "No.", again: true }, { attempts: 20 });
    const [after] = reduce([refused], { type: "again", id: 1, now: 7 });
    expect(after).toMatchObject({ attempts: 0, step: { at: "waiting", until: 7, from: START } });
  });
});

describe("what became of it", () => {
  test("a file that is there follows its upload", () => {
    const queue = [entry(1, { at: "added", upload: upload("a", { state: "stored" }) }), entry(2)];
    const after = reduce(queue, { type: "told", uploads: [upload("a", { state: "shown" }), upload("b")] });
    expect(after[0]?.step).toMatchObject({ at: "added", upload: { state: "shown" } });
    expect(steps(after)).toEqual(["added", "chosen"]);
  });

  test("progress goes by bytes, and leaves out what was refused", () => {
    const queue = [
      entry(1, { at: "added", upload: upload("a") }, { size: 300 }),
      entry(2, { at: "sending", sent: 50 }, { size: 100 }),
      entry(3, { at: "refused", sentence: "", again: false }, { size: 9_000 }),
      entry(4, { at: "chosen" }, { size: 9_000 }),
    ];
    expect(progressOf(queue)).toEqual({ chosen: 1, open: 1, added: 1, refused: 1, part: 350 / 400 });
  });

  test("a cancelled file is gone", () => {
    expect(reduce([entry(1), entry(2)], { type: "drop", id: 1 }).map((one) => one.id)).toEqual([2]);
  });
});
