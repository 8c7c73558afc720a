import { expect, test } from "vitest";
import { actionsOf, mayDo, oppositeOf, waits } from "../../src/console/moves.js";
import { STATES } from "../../src/console/types.js";
import { post } from "./posts.js";

test("each state offers the moves the server takes, the usual one first", () => {
  const offered = Object.fromEntries(STATES.map((state) => [state, actionsOf(post("a", { state }))]));
  expect(offered).toEqual({
    pending: ["approve", "reject", "remove"],
    approved: ["remove"],
    rejected: ["approve", "remove"],
    removed: ["restore"],
    failed: ["retry", "remove"],
    received: ["remove"],
  });
});

test("what viewers see is never held back in the browser", () => {
  expect(waits("remove", post("a", { state: "approved", shown: true }))).toBe(false);
  expect(waits("remove", post("a", { state: "pending", shown: true }))).toBe(false);
  expect(waits("approve", post("a"))).toBe(false);
});

test("what no viewer sees can wait for second thoughts", () => {
  expect(waits("reject", post("a"))).toBe(true);
  expect(waits("remove", post("a"))).toBe(true);
});

test("undoing the removal of a post never puts something else on the wall", () => {
  expect(oppositeOf("remove", post("a", { state: "approved", shown: true }))).toBe("restore");
  expect(oppositeOf("remove", post("a", { state: "pending", shown: true }))).toBeNull();
});

test("a move that does not exist is not offered", () => {
  expect(mayDo("reject", post("a", { state: "approved" }))).toBe(false);
});
