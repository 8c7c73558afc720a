import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Asked, Failed, type GuestApi } from "../../src/guest/api.js";
import { MOST_DIRECT } from "../../src/guest/retry.js";
import { HASHED_BYTES, Sender } from "../../src/guest/sender.js";
import type { Lease, Upload, UploadState } from "../../src/guest/types.js";
import { lease, upload } from "./samples.js";

/** A server that answers when a test says so. */
class Server {
  readonly asked: Asked[] = [];
  readonly sending: { lease: Lease; progress: (sent: number) => void; signal: AbortSignal }[] = [];
  readonly looked: string[] = [];
  readonly completed: string[] = [];
  /** What comes before an answer: failures, one for each question. */
  readonly failures: { ask: Failed[]; send: Failed[]; complete: Failed[] } = {
    ask: [],
    send: [],
    complete: [],
  };
  /** States that are told before the last one. */
  readonly before: UploadState[] = [];
  direct = false;
  there = new Set<string>();
  hold = false;
  #release: (() => void)[] = [];

  readonly api: GuestApi = {
    wall: async () => null,
    ask: async (body) => {
      this.asked.push(body);
      const failure = this.failures.ask.shift();
      if (failure) throw failure;
      const id = `u${this.asked.length}`;
      return lease(id, this.direct ? { mode: "direct", complete: `/api/uploads/${id}/complete` } : {});
    },
    send: async (given, _file, progress, signal) => {
      this.sending.push({ lease: given, progress, signal });
      const failure = this.failures.send.shift();
      if (failure) throw failure;
      if (this.hold) await new Promise<void>((resolve) => this.#release.push(resolve));
      signal.throwIfAborted();
      return given.mode === "direct" ? null : upload(given.id);
    },
    complete: async (given) => {
      this.completed.push(given.id);
      const failure = this.failures.complete.shift();
      if (failure) throw failure;
      return upload(given.id);
    },
    look: async (id) => {
      this.looked.push(id);
      return upload(id, { state: this.before.shift() ?? (this.there.has(id) ? "stored" : "aborted") });
    },
    list: async () => [],
    withdraw: async (id) => upload(id, { state: "withdrawn" }),
  };

  release(): void {
    for (const go of this.#release.splice(0)) go();
  }
}

function file(name: string, size = 4): File {
  return new File([new Uint8Array(size)], name, { type: "image/jpeg" });
}

function sender(server: Server, added: (upload: Upload) => void = () => {}): Sender {
  return new Sender({ api: server.api, hash: async () => "h", changed: () => {}, added, random: () => 0 });
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const steps = (one: Sender) => one.queue.map((entry) => entry.step.at);
const answered = (status: number, code: string, retryAfter: number | null, given: Lease | null = null) =>
  new Failed({
    kind: "answer",
    during: given ? "send" : "ask",
    lease: given,
    status,
    code,
    sentence: "",
    upload: null,
    retryAfter,
  });

describe("a file's way", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("is asked for with all that the guest said, sent, and there", async () => {
    const server = new Server();
    const added: string[] = [];
    const one = sender(server, (what) => added.push(what.id));
    one.choose([file("a.jpg")], () => null);
    one.author = " Ada ";
    one.consent = true;
    one.caption(one.queue[0]!.id, "At last! ");
    await settle();
    expect(server.asked).toEqual([]);
    one.start();
    await settle();
    expect(server.asked).toEqual([
      {
        size: 4,
        type: "image/jpeg",
        name: "a.jpg",
        sha256: "h",
        author: "Ada",
        caption: "At last!",
        consent: true,
      },
    ]);
    expect(steps(one)).toEqual(["added"]);
    expect(added).toEqual(["u1"]);
  });

  test("two go at a time, the third when one is there", async () => {
    const server = new Server();
    server.hold = true;
    const one = sender(server);
    one.choose([file("a"), file("b"), file("c")], () => null);
    one.start();
    await settle();
    expect(server.sending).toHaveLength(2);
    expect(steps(one)).toEqual(["asking", "asking", "waiting"]);
    server.release();
    await settle();
    expect(server.sending).toHaveLength(3);
  });

  test("the same file twice is one file, and one that can't be had says why", () => {
    const one = sender(new Server());
    one.choose([file("a"), file("a")], () => null);
    one.choose([file("a"), file("b")], (facts) => (facts.name === "b" ? "Too odd." : null));
    expect(one.queue.map((entry) => [entry.name, entry.step.at])).toEqual([
      ["a", "chosen"],
      ["b", "refused"],
    ]);
  });

  test("how far it has come is told, and the end of the bytes is not yet the end", async () => {
    const server = new Server();
    server.hold = true;
    const one = sender(server);
    one.choose([file("a", 100)], () => null);
    one.start();
    await settle();
    server.sending[0]!.progress(40);
    expect(one.queue[0]!.step).toEqual({ at: "sending", sent: 40 });
    server.sending[0]!.progress(100);
    expect(steps(one)).toEqual(["confirming"]);
  });

  test("a full server is asked again after the time it said, and not before", async () => {
    const server = new Server();
    server.failures.ask.push(answered(503, "busy", 8_000));
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await settle();
    expect(one.queue[0]!.step).toMatchObject({ at: "waiting", asked: true });
    one.hurry();
    await vi.advanceTimersByTimeAsync(7_900);
    expect(server.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(server.asked).toHaveLength(2);
    expect(steps(one)).toEqual(["added"]);
  });

  test("where the connection broke after the last byte, nothing is sent twice", async () => {
    const server = new Server();
    server.there.add("u1");
    server.failures.send.push(
      new Failed({ kind: "broken", during: "send", lease: lease("u1"), online: true }),
    );
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.looked).toEqual(["u1"]);
    expect(server.asked).toHaveLength(1);
    expect(steps(one)).toEqual(["added"]);
  });

  test("where it broke before, it is sent anew", async () => {
    const server = new Server();
    server.failures.send.push(
      new Failed({ kind: "broken", during: "send", lease: lease("u1"), online: true }),
    );
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.asked).toHaveLength(2);
    expect(steps(one)).toEqual(["added"]);
  });

  test("without a network it waits, and goes on when there is one", async () => {
    const server = new Server();
    server.failures.ask.push(new Failed({ kind: "broken", during: "ask", lease: null, online: false }));
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toHaveLength(1);
    one.hurry();
    await vi.advanceTimersByTimeAsync(100);
    expect(steps(one)).toEqual(["added"]);
  });

  test("straight to the store it is completed afterwards", async () => {
    const server = new Server();
    server.direct = true;
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await settle();
    expect(server.completed).toEqual(["u1"]);
    expect(steps(one)).toEqual(["added"]);
  });

  test("where the store itself is never reached it goes through the server", async () => {
    const server = new Server();
    server.direct = true;
    const given = lease("u1", { mode: "direct", complete: "/api/uploads/u1/complete" });
    const broken = new Failed({ kind: "broken", during: "send", lease: given, online: true });
    server.failures.send.push(...Array.from({ length: MOST_DIRECT + 1 }, () => broken));
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked.map(({ direct }) => direct ?? true)).toEqual([true, false]);
    expect(steps(one)).toEqual(["added"]);
  });

  test("while the server is still completing it nothing is sent again", async () => {
    const server = new Server();
    server.direct = true;
    server.there.add("u1");
    server.before.push("receiving", "receiving");
    const given = lease("u1", { mode: "direct", complete: "/api/uploads/u1/complete" });
    const used = { kind: "answer", during: "complete", lease: given, status: 409, code: "used" } as const;
    server.failures.complete.push(new Failed({ ...used, sentence: "", upload: null, retryAfter: null }));
    const one = sender(server);
    one.choose([file("a")], () => null);
    one.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.looked).toEqual(["u1", "u1", "u1"]);
    expect(server.sending).toHaveLength(1);
    expect(steps(one)).toEqual(["added"]);
  });

  test("a cancelled one stops at once, and its slot is free", async () => {
    const server = new Server();
    server.hold = true;
    const one = sender(server);
    one.choose([file("a"), file("b"), file("c")], () => null);
    one.start();
    await settle();
    one.cancel(one.queue[0]!.id);
    await settle();
    expect(server.sending[0]!.signal.aborted).toBe(true);
    expect(one.queue).toHaveLength(2);
    expect(server.sending).toHaveLength(3);
  });

  test("a large file is sent without its hash", async () => {
    const server = new Server();
    const one = sender(server);
    const large = file("film.mp4");
    Object.defineProperty(large, "size", { value: HASHED_BYTES + 1 });
    one.choose([large], () => null);
    one.start();
    await settle();
    expect(server.asked[0]).not.toHaveProperty("sha256");
  });
});
