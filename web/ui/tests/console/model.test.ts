import { describe, expect, test } from "vitest";
import {
  affected,
  countOf,
  deedOf,
  type Model,
  type Notice,
  reduce,
  selectedPost,
  undoable,
  undoOf,
  visible,
} from "../../src/console/model.js";
import { atWork, modelAfter, overview, post } from "./posts.js";

const ids = (model: Model) => visible(model).map((one) => one.id);
const notice = (id: number, fields: Partial<Notice> = {}): Notice => ({
  id,
  tone: "done",
  title: "Rejected",
  detail: "",
  deed: null,
  undo: null,
  search: null,
  show: null,
  ...fields,
});

describe("reading", () => {
  test("the first overview chooses the first wall", () => {
    expect(modelAfter({ type: "overview", overview: overview() }).wall).toBe("main");
  });

  test("a wall that is gone gives way to one that is there", () => {
    const model = reduce(atWork("a"), { type: "wall", slug: "stage" });
    const less = { ...overview(), walls: overview().walls.slice(0, 1) };
    expect(reduce(model, { type: "overview", overview: less }).wall).toBe("main");
  });

  test("the first page selects its first post", () => {
    expect(atWork("a", "b").selected).toBe("a");
  });

  test("what arrives in an empty list is selected", () => {
    const page = { posts: [post("a"), post("b")], next: null };
    expect(reduce(atWork(), { type: "page", wall: "main", view: "pending", page }).selected).toBe("a");
  });

  test("a page of another view that comes late is dropped", () => {
    const model = reduce(atWork("a"), { type: "view", view: "removed" });
    const late = reduce(model, {
      type: "page",
      wall: "main",
      view: "pending",
      page: { posts: [post("a")], next: null },
    });
    expect(late).toBe(model);
  });

  test("reading again keeps the selection, also when its post has left the list", () => {
    const model = reduce(atWork("a", "b"), { type: "story", story: { post: post("a"), actions: [] } });
    const again = reduce(model, {
      type: "page",
      wall: "main",
      view: "pending",
      page: { posts: [post("b")], next: null },
    });
    expect(again.selected).toBe("a");
    expect(selectedPost(again)?.id).toBe("a");
  });

  test("older posts follow the others once each", () => {
    const page = { posts: [post("b"), post("c")], next: null };
    expect(ids(reduce(atWork("a", "b"), { type: "more", wall: "main", view: "pending", page }))).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  test("a story that is newer than the list is what the right side shows", () => {
    const moved = post("a", { state: "rejected", changed: "2026-11-21T10:05:00Z" });
    const model = reduce(atWork("a"), { type: "story", story: { post: moved, actions: [] } });
    expect(selectedPost(model)?.state).toBe("rejected");
  });

  test("a story of a post that is no longer selected is dropped", () => {
    const model = atWork("a", "b");
    expect(reduce(model, { type: "story", story: { post: post("b"), actions: [] } })).toBe(model);
  });
});

describe("moving", () => {
  test("steps stop at both ends", () => {
    const model = atWork("a", "b", "c");
    expect(reduce(model, { type: "step", by: -1 }).selected).toBe("a");
    expect(reduce(model, { type: "step", by: 9 }).selected).toBe("c");
  });

  test("another view empties the list and forgets the selection", () => {
    const model = reduce(atWork("a"), { type: "view", view: "failed" });
    expect([model.posts, model.selected, model.story]).toEqual([null, null, null]);
  });
});

describe("deciding", () => {
  const begun = (model: Model, id: string, kind: "approve" | "reject" | "retry", deed = 1) =>
    reduce(model, { type: "begin", deed: deedOf(deed, kind, post(id)) });

  test("a post leaves the list at once, and the next one is selected", () => {
    const model = begun(atWork("a", "b", "c"), "a", "reject");
    expect(ids(model)).toEqual(["b", "c"]);
    expect(model.selected).toBe("b");
    expect(countOf(model, "pending")).toBe(2);
  });

  test("after the last post the one before is selected", () => {
    const model = reduce(atWork("a", "b"), { type: "select", id: "b" });
    expect(begun(model, "b", "approve").selected).toBe("a");
  });

  test("after the only post nothing is selected", () => {
    expect(begun(atWork("a"), "a", "approve").selected).toBeNull();
  });

  test("a post that is being decided is not decided twice", () => {
    const model = begun(atWork("a", "b"), "a", "reject");
    expect(begun(model, "a", "approve", 2)).toBe(model);
  });

  test("a post that is tried again stays until the server has answered", () => {
    expect(ids(begun(atWork("a"), "a", "retry"))).toEqual(["a"]);
  });

  test("undoing a held deed brings the post and the selection back", () => {
    const rejected = begun(atWork("a", "b"), "a", "reject");
    const model = reduce(rejected, { type: "cancelled", id: 1 });
    expect(ids(model)).toEqual(["a", "b"]);
    expect(model.selected).toBe("a");
  });

  test("a deed that the server refused brings the post back and leaves the operator where they are", () => {
    const model = reduce(begun(atWork("a", "b"), "a", "approve"), { type: "failed", id: 1 });
    expect(ids(model)).toEqual(["a", "b"]);
    expect(model.selected).toBe("b");
  });

  test("what was done stays out of the list", () => {
    const done = post("a", { state: "approved", shown: true });
    const model = reduce(begun(atWork("a", "b"), "a", "approve"), { type: "done", id: 1, post: done });
    expect(ids(model)).toEqual(["b"]);
    expect(model.deeds).toEqual([]);
  });

  test("a page that was read while a deed is held does not bring the post back", () => {
    const page = { posts: [post("a"), post("b")], next: null };
    const model = reduce(begun(atWork("a", "b"), "a", "reject"), {
      type: "page",
      wall: "main",
      view: "pending",
      page,
    });
    expect(ids(model)).toEqual(["b"]);
  });
});

describe("undoing", () => {
  test("the newest notice that offers it is what undo takes back", () => {
    const undo = { kind: "remove", post: post("a") } as const;
    const model = modelAfter(
      { type: "notice", notice: notice(1, { undo }) },
      { type: "notice", notice: notice(2, { deed: 7 }) },
      { type: "notice", notice: notice(3, { tone: "problem" }) },
    );
    expect(undoable(model)?.id).toBe(2);
    expect(undoable(reduce(model, { type: "dismiss", id: 2 }))?.id).toBe(1);
  });

  test("a held deed that is sent can no longer be undone", () => {
    const deed = deedOf(7, "reject", post("a"));
    const model = modelAfter(
      { type: "begin", deed },
      { type: "notice", notice: notice(1, { deed: 7 }) },
      { type: "sent", id: 7 },
    );
    expect(undoable(model)).toBeNull();
  });

  test("an approval is undone by taking the post off the wall as it is now", () => {
    const now = post("a", { state: "approved", shown: true });
    expect(undoOf(deedOf(1, "approve", post("a")), now)).toEqual({ kind: "remove", post: now });
  });

  test("at most three notices are shown", () => {
    const model = modelAfter(...[1, 2, 3, 4].map((id) => ({ type: "notice", notice: notice(id) }) as const));
    expect(model.notices.map((one) => one.id)).toEqual([2, 3, 4]);
  });
});

test("who is signed out keeps nothing on the screen", () => {
  const model = reduce(atWork("a"), { type: "signed-out" });
  expect([model.phase, model.posts, model.overview]).toEqual(["signed-out", null, null]);
});

test("a hint says what to read again, and counts go with posts", () => {
  expect(affected(["posts"])).toEqual({ overview: true, searches: false, posts: true });
  expect(affected(["searches"])).toEqual({ overview: false, searches: true, posts: false });
  expect(affected(["health"])).toEqual({ overview: true, searches: false, posts: false });
});

describe("visiting a post that looks the same", () => {
  const story = (id: string) => ({ post: post(id, { state: "removed" }), actions: [] });
  const visit = (model: Model, id: string) => reduce(model, { type: "visit", story: story(id) });

  test("the other post is there at once, and where one came from is kept", () => {
    const there = visit(atWork("a", "b"), "x");
    expect([selectedPost(there)?.id, there.from]).toEqual(["x", "a"]);
    const further = visit(there, "y");
    expect([further.selected, further.from]).toEqual(["y", "a"]);
  });

  test("going back ends the visit", () => {
    const back = visit(visit(atWork("a", "b"), "x"), "a");
    expect([back.selected, back.from]).toEqual(["a", null]);
  });

  test("the next post is the one after where one came from", () => {
    const model = reduce(atWork("a", "b", "c"), { type: "select", id: "b" });
    const next = reduce(visit(model, "x"), { type: "step", by: 1 });
    expect([next.selected, next.from]).toEqual(["c", null]);
  });

  test("a new reading of the list leaves one there", () => {
    const page = { posts: [post("a"), post("new")], next: null };
    const model = reduce(visit(atWork("a"), "x"), { type: "page", wall: "main", view: "pending", page });
    expect([model.selected, model.from]).toEqual(["x", "a"]);
  });

  test("a decision there leads back", () => {
    const deed = deedOf(1, "reject", post("x"));
    const model = reduce(visit(atWork("a", "b"), "x"), { type: "begin", deed });
    expect([model.selected, model.from]).toEqual(["a", null]);
  });

  test("choosing another view ends the visit", () => {
    expect(reduce(visit(atWork("a"), "x"), { type: "view", view: "approved" }).from).toBeNull();
  });
});
