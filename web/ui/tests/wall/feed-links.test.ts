import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { JITTER_MS, MOVE_MS } from "../../src/wall/feed.js";
import { SOCKET_AGAIN_MS } from "../../src/wall/ways.js";
import { feed, ids, joined, post, remove, Server, visit } from "./feeding.js";
import { snapshot } from "./samples.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  feed.close();
  vi.useRealTimers();
});

describe("reconnecting", () => {
  test("to a relay with the cursor; recovered means nothing is asked for", async () => {
    const server = await joined("relay");
    server.say(post(2, "b"));
    server.link.handlers.onDown("gone");
    expect(feed.live).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.links).toHaveLength(2);
    expect(server.link.cursor).toBe("aaaa-2");
    server.link.handlers.onSubscribed({ recovered: "true" });
    server.say(remove(3, "b"));
    await vi.advanceTimersByTimeAsync(JITTER_MS);
    expect(server.asked).toEqual([]);
    expect(ids()).toEqual(["a"]);
    expect(feed.live).toBe(true);
  });

  test("not recovered means the snapshot, even when it is behind us", async () => {
    const server = await joined("relay");
    server.say(post(2, "b"));
    server.link.handlers.onDown("gone");
    await vi.advanceTimersByTimeAsync(1_000);
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    server.link.handlers.onSubscribed({ recovered: "false" });
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked).toContain("snapshot");
    expect(ids()).toEqual(["a"]);
  });

  test("ever more slowly up to 15 s, never all at the same moment", async () => {
    const early = await joined("relay", 0);
    const delays: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const started = Date.now();
      const before = early.links.length;
      early.link.handlers.onDown("gone");
      while (early.links.length === before) await vi.advanceTimersByTimeAsync(50);
      delays.push(Date.now() - started);
    }
    expect(delays[0]).toBeLessThanOrEqual(1_000);
    expect(delays.at(-1)).toBe(7_500);
    expect([...delays].sort((a, b) => a - b)).toEqual(delays);
  });

  test("after some failures the server is asked again where to connect", async () => {
    const server = await joined("relay");
    for (let attempt = 0; attempt < 3; attempt++) {
      server.link.handlers.onDown("gone");
      await vi.advanceTimersByTimeAsync(15_000);
    }
    expect(server.asked).toContain("info");
  });
});

describe("moving between relays", () => {
  async function among(...nodes: string[]): Promise<Server> {
    const server = new Server();
    server.nodes = nodes;
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    server.link.handlers.onSubscribed({ recovered: "true" });
    server.asked = [];
    return server;
  }

  test("the first node named is the one to go to", async () => {
    const server = await among("/n/b/stomp", "/n/a/stomp");
    expect(server.link.url).toBe("/n/b/stomp");
  });

  test("one that fails is followed by the next, and after all of them the server is asked again", async () => {
    const server = await among("/n/a/stomp", "/n/b/stomp", "/n/c/stomp", "/n/d/stomp");
    server.nodes = ["/n/e/stomp"];
    for (let node = 0; node < 4; node++) {
      expect(server.asked).toEqual([]);
      server.link.handlers.onDown("gone", 1006);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(server.links.map((link) => link.url)).toEqual([
      "/n/a/stomp",
      "/n/b/stomp",
      "/n/c/stomp",
      "/n/d/stomp",
      "/n/e/stomp",
    ]);
    expect(server.asked).toEqual(["info"]);
  });

  test("1012 asks where to go and goes there at once with the cursor, and nobody sees it", async () => {
    const server = await among("/n/a/stomp", "/n/b/stomp");
    server.say(post(2, "b"));
    server.nodes = ["/n/b/stomp"];
    let seen = true;
    feed.onChange(() => {
      seen &&= feed.live;
    });
    server.link.handlers.onDown("the relay restarts", 1012);
    await vi.advanceTimersByTimeAsync(250);
    expect(server.asked).toEqual(["info"]);
    expect(server.link).toMatchObject({ url: "/n/b/stomp", cursor: "aaaa-2" });
    server.link.handlers.onSubscribed({ recovered: "true" });
    await vi.advanceTimersByTimeAsync(MOVE_MS);
    expect(seen).toBe(true);
    expect(server.asked).toEqual(["info"]);
  });

  test("a move that takes longer is said to be not live", async () => {
    const server = await among("/n/a/stomp");
    server.link.handlers.onDown("the relay restarts", 1012);
    await vi.advanceTimersByTimeAsync(MOVE_MS - 1);
    expect(feed.live).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(feed.live).toBe(false);
  });

  test("a relay that refuses everybody with 1012 is not asked without pause", async () => {
    const server = await among("/n/a/stomp");
    const before = server.links.length;
    for (let spent = 0, answered = 0; spent < 60_000; spent += 250) {
      if (server.links.length > answered) {
        answered = server.links.length;
        server.link.handlers.onDown("the relay restarts", 1012);
      }
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(server.links.length - before).toBeLessThan(20);
  });
});

describe("ways around blocked WebSockets", () => {
  const ways = (server: Server) => server.links.map((link) => link.way);

  /** The newest link never gets through; the next one is opened. */
  async function fail(server: Server): Promise<void> {
    server.link.handlers.onDown("refused");
    await vi.advanceTimersByTimeAsync(20_000);
  }

  async function onStream(): Promise<Server> {
    const server = new Server();
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    await fail(server);
    await fail(server);
    server.link.handlers.onSubscribed({ recovered: "true" });
    return server;
  }

  test("after two openings in a row that never got through the stream is tried, with the cursor", async () => {
    const server = await onStream();
    expect(ways(server)).toEqual(["socket", "socket", "stream"]);
    expect(server.link.cursor).toBe("aaaa-1");
    expect(feed.by).toBe("stream");
    server.say(post(2, "b"));
    expect(ids()).toEqual(["b", "a"]);
  });

  test("a stream resumes also where viewers go to a broker, which can't", async () => {
    const server = new Server();
    server.kind = "broker";
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    await fail(server);
    expect(server.link.cursor).toBeNull();
    await fail(server);
    expect(server.link).toMatchObject({ way: "stream", cursor: "aaaa-1" });
  });

  test("a WebSocket that got through and was lost is no blocked one", async () => {
    const server = new Server();
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    for (let times = 0; times < 4; times++) {
      server.link.handlers.onSubscribed({ recovered: "true" });
      await fail(server);
    }
    expect(new Set(ways(server))).toEqual(new Set(["socket"]));
  });

  test("what works is stayed with, also after it was lost", async () => {
    const server = await onStream();
    await fail(server);
    expect(server.link.way).toBe("stream");
  });

  test("where nothing gets through both ways are tried in turn", async () => {
    const server = new Server();
    server.snapshots = [snapshot("aaaa-1", ["a"])];
    await visit(server);
    for (let times = 0; times < 6; times++) await fail(server);
    expect(ways(server)).toEqual(["socket", "socket", "stream", "stream", "socket", "socket", "stream"]);
  });

  test("after some minutes the WebSocket is tried beside the stream, and taken when it works", async () => {
    const server = await onStream();
    const stream = server.link;
    await vi.advanceTimersByTimeAsync(SOCKET_AGAIN_MS - 2_000);
    expect(server.link).toBe(stream);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(server.link.way).toBe("socket");
    expect(stream.closed).toBe(false);
    expect(feed.by).toBe("stream");
    server.link.handlers.onSubscribed({ recovered: "true" });
    expect(stream.closed).toBe(true);
    expect(feed.by).toBe("socket");
    server.say(post(2, "b"));
    expect(ids()).toEqual(["b", "a"]);
  });

  test("a WebSocket that is still blocked costs the stream nothing and is tried again later", async () => {
    const server = await onStream();
    const stream = server.link;
    await vi.advanceTimersByTimeAsync(SOCKET_AGAIN_MS + 2_000);
    server.link.handlers.onDown("refused");
    expect(stream.closed).toBe(false);
    expect(feed.by).toBe("stream");
    const opened = server.links.length;
    await vi.advanceTimersByTimeAsync(SOCKET_AGAIN_MS - 4_000);
    expect(server.links.length).toBe(opened);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(server.links.length).toBe(opened + 1);
  });
});
