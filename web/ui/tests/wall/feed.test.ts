import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Api, Gone, NoSuchWall, NotHere } from "../../src/wall/api.js";
import { Feed, JITTER_MS, MOVE_MS, POLL_MS, SILENCE_MS, STRAGGLERS_MS } from "../../src/wall/feed.js";
import type { LinkHandlers, OpenLink } from "../../src/wall/link.js";
import { newestFirst } from "../../src/wall/reducer.js";
import type { Snapshot, WallEvent, WallInfo } from "../../src/wall/types.js";
import { SOCKET_AGAIN_MS } from "../../src/wall/ways.js";
import { published, removed, snapshot, wireEvent, wirePost } from "./samples.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Server {
  kind: "relay" | "broker" = "relay";
  nodes: string[] = [];
  snapshots: (Snapshot | Error)[] = [];
  log: WallEvent[] = [];
  logGone = false;
  token: string | null = null;
  infoError: Error | null = null;
  asked: string[] = [];
  links: {
    cursor: string | null;
    destination: string;
    url: string;
    handlers: LinkHandlers;
    closed: boolean;
    way: "socket" | "stream";
    token: string | null;
  }[] = [];

  readonly api: Api = {
    info: async () => {
      this.asked.push("info");
      if (this.infoError) throw this.infoError;
      return {
        wall: { slug: "main", title: "Main", settings: {} },
        lookingFor: [],
        connect: { kind: this.kind, url: "/stomp" },
        token: this.token,
        nodes: this.nodes,
      } satisfies WallInfo;
    },
    snapshot: async () => {
      this.asked.push("snapshot");
      const answer = this.snapshots.length > 1 ? this.snapshots.shift() : this.snapshots[0];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no snapshot");
      return answer;
    },
    eventsAfter: async (cursor) => {
      this.asked.push(`events ${cursor.epoch}-${cursor.seq}`);
      if (this.logGone) throw new Gone("gone");
      return this.log.filter((event) => event.epoch === cursor.epoch && event.seq > cursor.seq);
    },
  };

  get link() {
    return this.links.at(-1)!;
  }

  say(event: ReturnType<typeof wireEvent>, headers: Record<string, string> = {}): void {
    this.link.handlers.onMessage({ body: JSON.stringify(event), headers });
  }
}

const post = (seq: number, id: string) => wireEvent(seq, "published", { post: wirePost(id) });
const remove = (seq: number, id: string) => wireEvent(seq, "removed", { post_ids: [id] });

let feed: Feed;
afterEach(() => feed.close());

function opener(server: Server, way: "socket" | "stream"): OpenLink {
  return (url, destination, cursor, handlers, token = null) => {
    const link = { url, destination, cursor, handlers, closed: false, way, token };
    server.links.push(link);
    return {
      close: () => {
        link.closed = true;
      },
    };
  };
}

async function visit(server: Server, random = 0.5): Promise<Feed> {
  feed = new Feed({
    slug: "main",
    api: server.api,
    random: () => random,
    openLink: opener(server, "socket"),
    openStream: opener(server, "stream"),
  });
  feed.start();
  await vi.advanceTimersByTimeAsync(0);
  return feed;
}

const ids = () => newestFirst(feed.state).map((shown) => shown.post.id);

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

async function joined(kind: "relay" | "broker" = "relay", random = 0.5): Promise<Server> {
  const server = new Server();
  server.kind = kind;
  server.snapshots = [snapshot("aaaa-1", ["a"])];
  await visit(server, random);
  server.link.handlers.onSubscribed({ recovered: "true" });
  server.asked = [];
  return server;
}

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
