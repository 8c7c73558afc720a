import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NoSuchWall, NotHere } from "../../src/wall/api.js";
import { JITTER_MS, POLL_MS, SILENCE_MS, STRAGGLERS_MS } from "../../src/wall/feed.js";
import type { Snapshot } from "../../src/wall/types.js";
import { feed, ids, joined, post, remove, Server, visit } from "./feeding.js";
import { published, removed, snapshot, wireEvent, wirePost } from "./samples.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  feed.close();
  vi.useRealTimers();
});

describe("joining", () => {
  test("a visit takes the snapshot, subscribes, and is live after the receipt", async () => {
    const server = new Server();
    server.snapshots = [snapshot("aaaa-2", ["b", "a"])];
    await visit(server);
    expect(ids()).toEqual(["b", "a"]);
    expect(server.link).toMatchObject({ url: "/stomp", destination: "/topic/wall.main" });
    expect(feed.live).toBe(false);
    server.link.handlers.onSubscribed({ recovered: "true" });
    expect(feed.live).toBe(true);
  });

  test("on a broker what happened before the receipt is asked for, at once", async () => {
    const server = new Server();
    server.kind = "broker";
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    server.log = [published(2, "b")];
    await visit(server);
    expect(server.link.cursor).toBeNull();
    server.link.handlers.onSubscribed({});
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked).toContain("events aaaa-1");
    expect(ids()).toEqual(["b", "a"]);
  });

  test("messages that come before the snapshot are kept and applied after it", async () => {
    const server = new Server();
    server.snapshots = [new Error("busy"), snapshot("aaaa-1", ["a"])];
    await visit(server);
    server.link.handlers.onSubscribed({});
    server.say(post(2, "b"));
    expect(ids()).toEqual([]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(ids()).toEqual(["b", "a"]);
  });

  test("a snapshot asked for before the receipt does not count as complete", async () => {
    const server = new Server();
    server.kind = "broker";
    let answer = (_: Snapshot) => {};
    server.api.snapshot = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await visit(server);
    server.link.handlers.onSubscribed({});
    server.log = [published(2, "b")];
    answer(snapshot("aaaa-1", ["a"]));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS);
    expect(ids()).toEqual(["b", "a"]);
  });

  test("without a connection the snapshot still shows, and the wall is not live", async () => {
    const server = new Server();
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    server.link.handlers.onDown("refused");
    await vi.advanceTimersByTimeAsync(SILENCE_MS);
    expect(ids()).toEqual(["a"]);
    expect(feed.live).toBe(false);
  });

  test("a wall that does not exist is said to be missing, and found when it appears", async () => {
    const server = new Server();
    server.infoError = new NoSuchWall("none");
    await visit(server);
    expect(feed.missing).toBe(true);
    server.infoError = null;
    server.snapshots = [snapshot("aaaa-0", [])];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(feed.missing).toBe(false);
    expect(server.links).toHaveLength(1);
  });
});

describe("repairing", () => {
  test("a straggler within 250 ms closes the hole without a question", async () => {
    const server = await joined("broker");
    server.say(post(3, "c"));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS - 1);
    server.say(post(2, "b"));
    await vi.advanceTimersByTimeAsync(JITTER_MS * 2);
    expect(server.asked).toEqual([]);
    expect(ids()).toEqual(["c", "b", "a"]);
  });

  test("a hole is asked for after the stragglers and a part of two seconds", async () => {
    const server = await joined("broker", 0.5);
    server.log = [published(2, "b"), published(3, "c")];
    server.say(post(3, "c"));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS / 2 - 1);
    expect(server.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.asked).toEqual(["events aaaa-1"]);
    expect(ids()).toEqual(["c", "b", "a"]);
  });

  test("a head beyond us finds a lost last event, a removal", async () => {
    const server = await joined("broker");
    server.log = [removed(2, ["a"])];
    server.say(wireEvent(2, "head"));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(ids()).toEqual([]);
    expect(feed.state.cursor?.seq).toBe(2);
  });

  test("a removal across a hole does not wait for the repair", async () => {
    const server = await joined("broker");
    server.say(remove(7, "a"));
    expect(ids()).toEqual([]);
  });

  test("a relay's gap mark is repaired too", async () => {
    const server = await joined("relay");
    server.say(post(2, "b"), { gap: "true" });
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(server.asked).toContain("events aaaa-2");
  });

  test("what a relay left out for a slow page needs no repair", async () => {
    const server = await joined("relay");
    server.say(post(7, "b"), { gap: "superseded", follows: "1" });
    expect(ids()).toContain("b");
    expect(feed.state.cursor?.seq).toBe(7);
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(server.asked).toEqual([]);
  });

  test("a page that has less than the relay thinks repairs", async () => {
    const server = await joined("relay");
    server.say(post(7, "b"), { gap: "superseded", follows: "5" });
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(server.asked).toContain("events aaaa-1");
  });

  test("when the log no longer has it the snapshot is taken", async () => {
    const server = await joined("broker");
    server.logGone = true;
    server.snapshots = [snapshot("aaaa-900", ["z"])];
    server.say(wireEvent(900, "head"));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(server.asked).toEqual(["events aaaa-1", "snapshot"]);
    expect(ids()).toEqual(["z"]);
  });

  test("a log that never fills the hole leads to the snapshot", async () => {
    const server = await joined("broker");
    server.snapshots = [snapshot("aaaa-5", ["z"])];
    server.say(wireEvent(5, "head"));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(server.asked.at(-1)).toBe("snapshot");
    expect(ids()).toEqual(["z"]);
  });

  test("a newer epoch leads to the snapshot", async () => {
    const server = await joined("relay");
    server.snapshots = [snapshot("bbbb-1", ["n"])];
    server.say(wireEvent(1, "published", { post: wirePost("n") }, "bbbb"));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(feed.state.cursor).toEqual({ epoch: "bbbb", seq: 1 });
    expect(ids()).toEqual(["n"]);
  });

  test("one question at a time, whatever arrives meanwhile", async () => {
    const server = await joined("broker");
    for (let seq = 3; seq < 40; seq++) server.say(post(seq, `p${seq}`));
    server.log = Array.from({ length: 38 }, (_, i) => published(i + 2, `p${i + 2}`));
    await vi.advanceTimersByTimeAsync(STRAGGLERS_MS + JITTER_MS);
    expect(server.asked).toEqual(["events aaaa-1"]);
  });
});

describe("being live", () => {
  test("nothing heard for 15 s is not live; a head is enough to be live again", async () => {
    const server = await joined("relay");
    await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
    expect(feed.live).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(feed.live).toBe(false);
    server.say(wireEvent(1, "head"));
    expect(feed.live).toBe(true);
  });

  test("who listens is told when the wall stops being live", async () => {
    await joined("relay");
    let told = 0;
    feed.onChange(() => {
      if (!feed.live) told += 1;
    });
    await vi.advanceTimersByTimeAsync(SILENCE_MS + 1_000);
    expect(told).toBeGreaterThan(0);
  });

  test("while it is not live a removal still comes over HTTP", async () => {
    const server = await joined("relay");
    server.link.handlers.onDown("gone");
    server.log = [removed(2, ["a"])];
    await vi.advanceTimersByTimeAsync(POLL_MS + 4 * JITTER_MS);
    expect(ids()).toEqual([]);
  });

  test("messages of another wall and rubbish are counted, not applied", async () => {
    const server = await joined("relay");
    const before = feed.state;
    server.say({ ...post(2, "b"), wall: "other" });
    server.link.handlers.onMessage({ body: "{", headers: {} });
    expect(feed.state).toBe(before);
    expect(feed.counts.malformed).toBe(2);
  });
});

describe("secret walls", () => {
  test("the token opens the private topic, and each coming in takes a new one", async () => {
    const server = new Server();
    server.token = "first";
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    expect(server.link).toMatchObject({ destination: "/topic/private.main", token: "first" });
    server.link.handlers.onSubscribed({ recovered: "true" });
    server.token = "second";
    server.link.handlers.onDown("the link was renewed");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.link.token).toBe("second");
  });

  test("a wall that can't be shown here is said in the server's words", async () => {
    const server = new Server();
    server.infoError = new NotHere("This installation can't show secret walls.");
    await visit(server);
    expect(feed.refused).toBe("This installation can't show secret walls.");
  });
});
