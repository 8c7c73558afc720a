import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyEvent,
  applyRepair,
  applySnapshot,
  EMPTY,
  MAX_HELD,
  MAX_POSTS,
  MAX_REMOVED,
  need,
  newestFirst,
  noteGap,
  type WallState,
} from "../../src/wall/reducer.js";
import type { Post, WallEvent } from "../../src/wall/types.js";
import { head, must, published, removed, snapshot, snapshotOf, updated } from "./samples.js";

const ids = (state: WallState) => newestFirst(state).map((shown) => shown.post.id);
const told = (state: WallState, ...events: WallEvent[]) => events.reduce(applyEvent, state);
const joined = (seq = 0, posts: string[] = []) => applySnapshot(EMPTY, snapshot(`aaaa-${seq}`, posts));

describe("in order", () => {
  test("posts appear newest first", () => {
    expect(ids(told(joined(), published(1, "a"), published(2, "b")))).toEqual(["b", "a"]);
  });

  test("an update changes the post where it stands", () => {
    const state = told(joined(), published(1, "a"), published(2, "b"), updated(3, "a"));
    expect(ids(state)).toEqual(["b", "a"]);
    expect(state.posts.get("a")?.post.text).toBe("edited");
  });

  test("a repeat changes nothing at all", () => {
    const state = told(joined(), published(1, "a"), removed(2, ["a"]));
    expect(told(state, published(1, "a"), removed(2, ["a"]))).toBe(state);
  });

  test("a removed post that is published again is back", () => {
    expect(ids(told(joined(), published(1, "a"), removed(2, ["a"]), published(3, "a")))).toEqual(["a"]);
  });

  test("an edit of a post from before our time goes to the end", () => {
    expect(ids(told(joined(4, ["d", "c"]), updated(5, "a")))).toEqual(["d", "c", "a"]);
  });
});

describe("holes", () => {
  test("nothing is painted over a hole, and a repair is needed", () => {
    const state = told(joined(), published(2, "b"));
    expect(ids(state)).toEqual([]);
    expect(need(state)).toBe("repair");
    expect(state.cursor?.seq).toBe(0);
  });

  test("the missing event fills the hole and what was held follows", () => {
    const state = applyRepair(told(joined(), published(2, "b"), published(3, "c")), [published(1, "a")]);
    expect(ids(state)).toEqual(["c", "b", "a"]);
    expect(need(state)).toBe("nothing");
  });

  test("a removal is applied at once even across a hole", () => {
    const state = told(joined(1, ["a", "x"]), removed(5, ["a"]));
    expect(ids(state)).toEqual(["x"]);
    expect(need(state)).toBe("repair");
  });

  test("nothing older than a removal brings the post back", () => {
    const state = told(joined(1, ["a"]), removed(4, ["a"]), updated(2, "a"), published(3, "a"));
    expect(state.cursor?.seq).toBe(4);
    expect(ids(state)).toEqual([]);
  });

  test("a snapshot older than a removal already heard does not bring the post back", () => {
    const state = applySnapshot(told(joined(1, ["a"]), removed(9, ["a"])), snapshot("aaaa-6", ["a", "b"]));
    expect(ids(state)).toEqual(["b"]);
    expect(need(state)).toBe("repair");
  });

  test("a head beyond us is a hole", () => {
    const state = told(joined(3), head(5));
    expect(need(state)).toBe("repair");
    expect(need(told(state, published(4, "a"), published(5, "b")))).toBe("nothing");
  });

  test("a gap that was announced is closed by the answer of the log only", () => {
    const state = told(noteGap(joined(3)), published(4, "a"));
    expect(need(state)).toBe("repair");
    expect(need(applyRepair(state, []))).toBe("nothing");
  });
});

describe("epochs", () => {
  test("a newer epoch needs a snapshot, and what came before it is kept", () => {
    const state = told(joined(7, ["a"]), published(2, "z", "bbbb"), published(3, "y", "bbbb"));
    expect(need(state)).toBe("snapshot");
    const renewed = applySnapshot(state, snapshot("bbbb-2", ["z"]));
    expect(ids(renewed)).toEqual(["y", "z"]);
    expect(need(renewed)).toBe("nothing");
  });

  test("a removal of a newer epoch is applied at once", () => {
    expect(ids(told(joined(7, ["a", "b"]), removed(1, ["a"], "bbbb")))).toEqual(["b"]);
  });

  test("events and snapshots of an older epoch change nothing", () => {
    const state = applySnapshot(EMPTY, snapshot("bbbb-1", ["a"]));
    expect(told(state, published(99, "z"), removed(100, ["a"]), head(200))).toBe(state);
    expect(applySnapshot(state, snapshot("aaaa-500", ["z"]))).toBe(state);
  });

  test("a snapshot of the old epoch while a newer one is announced still leaves a snapshot needed", () => {
    const state = applySnapshot(told(EMPTY, head(1, "bbbb")), snapshot("aaaa-5", ["a"]));
    expect(ids(state)).toEqual(["a"]);
    expect(need(state)).toBe("snapshot");
  });
});

describe("snapshots", () => {
  test("events that came before the first snapshot are applied after it", () => {
    const state = applySnapshot(
      told(EMPTY, published(4, "d"), published(5, "e")),
      snapshot("aaaa-4", ["d", "c"]),
    );
    expect(ids(state)).toEqual(["e", "d", "c"]);
  });

  test("an older snapshot of the same epoch changes nothing", () => {
    const state = told(joined(), published(1, "a"), removed(2, ["a"]));
    expect(applySnapshot(state, snapshot("aaaa-1", ["a"]))).toBe(state);
  });
});

describe("bounds", () => {
  test("no more posts are kept than a snapshot has, and the oldest go", () => {
    let state = joined();
    for (let seq = 1; seq <= MAX_POSTS + 50; seq++) state = applyEvent(state, published(seq, `p${seq}`));
    expect(state.posts.size).toBe(MAX_POSTS);
    expect(state.posts.has("p50")).toBe(false);
  });

  test("a wall emptied by removals asks for the older posts it no longer has", () => {
    let state = joined();
    for (let seq = 1; seq <= MAX_POSTS + 1; seq++) state = applyEvent(state, published(seq, `p${seq}`));
    expect(need(state)).toBe("nothing");
    const most = [...state.posts.keys()].slice(0, MAX_POSTS - 20);
    expect(need(applyEvent(state, removed(MAX_POSTS + 2, most)))).toBe("snapshot");
  });

  test("too much beyond a hole is dropped, and a snapshot is needed", () => {
    let state = joined();
    for (let seq = 2; seq <= MAX_HELD + 10; seq++) state = applyEvent(state, published(seq, `p${seq}`));
    expect(state.held.size).toBeLessThanOrEqual(MAX_HELD);
    expect(need(state)).toBe("snapshot");
    expect(need(applySnapshot(state, snapshot(`aaaa-${MAX_HELD + 10}`, ["z"])))).toBe("nothing");
  });

  test("more removals than can be remembered leave an empty wall that asks for a snapshot", () => {
    let state = joined(0, ["keep"]);
    for (let i = 0; i * 1_000 <= MAX_REMOVED; i++) {
      const many = Array.from({ length: 1_000 }, (_, k) => `r${i}-${k}`);
      state = applyEvent(state, removed(2 + i, many));
    }
    expect(state.cursor).toBeNull();
    expect(ids(state)).toEqual([]);
    expect(need(state)).toBe("snapshot");
  });
});

/** A catalogue of few posts, so that events meet: each step publishes, edits, removes or restores one of them. */
const histories = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), {
  minLength: 1,
  maxLength: 40,
});

function history(steps: readonly (readonly [number, boolean])[]): {
  events: WallEvent[];
  truth: Map<string, Post>[];
} {
  const events: WallEvent[] = [];
  const truth: Map<string, Post>[] = [new Map()];
  for (const [post, remove] of steps) {
    const id = `p${post}`;
    const now = new Map(must(truth.at(-1)));
    const seq = events.length + 1;
    const known = now.has(id);
    const event =
      known && remove ? removed(seq, [id]) : known ? updated(seq, id, `edit ${seq}`) : published(seq, id);
    if (event.kind === "removed") now.delete(id);
    else if (event.kind === "published" || event.kind === "updated") {
      now.delete(id);
      now.set(id, event.post);
    }
    events.push(event);
    truth.push(now);
  }
  return { events, truth };
}

test("whatever is lost, repeated or out of order: after repair the page shows what the catalogue says", () => {
  fc.assert(
    fc.property(
      histories,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom("event", "event", "event", "head", "snapshot", "repair")), {
        maxLength: 80,
      }),
      fc.nat(),
      (steps, deliveries, start) => {
        const { events, truth } = history(steps);
        const at = start % truth.length;
        let state = applySnapshot(EMPTY, snapshotOf(`aaaa-${at}`, [...must(truth[at]).values()].reverse()));
        const heard = new Map<string, number>();
        for (const [pick, kind] of deliveries) {
          const seq = (pick % events.length) + 1;
          const event = must(events[seq - 1]);
          if (kind === "event") {
            state = applyEvent(state, event);
            if (event.kind === "removed" && seq > at) {
              for (const id of event.postIds) heard.set(id, Math.max(seq, heard.get(id) ?? 0));
            }
          }
          if (kind === "head") state = applyEvent(state, head(seq));
          if (kind === "snapshot") {
            state = applySnapshot(state, snapshotOf(`aaaa-${seq}`, [...must(truth[seq]).values()].reverse()));
          }
          if (kind === "repair" && state.cursor) state = applyRepair(state, events.slice(state.cursor.seq));
          // Never painted after its removal was delivered, unless something newer brought it back.
          for (const [id, gone] of heard) {
            const shown = state.posts.get(id);
            expect(shown === undefined || shown.seq > gone).toBe(true);
          }
        }
        state = applyEvent(state, head(events.length));
        if (need(state) === "repair" && state.cursor)
          state = applyRepair(state, events.slice(state.cursor.seq));
        expect(need(state)).toBe("nothing");
        expect(state.cursor?.seq).toBe(events.length);
        const shown = Object.fromEntries([...state.posts].map(([id, { post }]) => [id, post]));
        expect(shown).toEqual(Object.fromEntries(must(truth.at(-1))));
      },
    ),
    { numRuns: 500 },
  );
});
