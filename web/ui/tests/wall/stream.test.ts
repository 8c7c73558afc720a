import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../../src/wall/link.js";
import { EventParser, openEventStream, streamAddress } from "../../src/wall/stream.js";

describe("events out of text", () => {
  const text =
    'retry: 3000\n\n:\n\nid: aaaa-1\nevent: published\ndata: {"n":1}\n\nevent: gap\ndata: a\ndata:  b\n\n';
  const wanted = [
    { kind: "published", data: '{"n":1}' },
    { kind: "gap", data: "a\n b" },
  ];

  test("any cut gives the same events", () => {
    for (let size = 1; size <= text.length; size++) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < text.length; at += size) events.push(...parser.feed(text.slice(at, at + size)));
      expect(events).toEqual(wanted);
    }
  });

  test("an event without an end does not fill the memory", () => {
    const parser = new EventParser();
    expect(() => {
      for (let times = 0; times < 100; times++) parser.feed(`data: ${"x".repeat(10_000)}\n`);
    }).toThrow("too long");
  });
});

describe("where the stream is", () => {
  const at = (url: string) => streamAddress(url, "/topic/wall.main", "https://wall.example").href;

  test("on our host where the relay is, or where only a broker is named", () => {
    expect(at("/stomp")).toBe("https://wall.example/api/walls/main/stream");
    expect(at("wss://broker.example/broker")).toBe("https://wall.example/api/walls/main/stream");
  });

  test("on a relay's host where that is another one", () => {
    expect(at("wss://relay.example:8443/stomp")).toBe("https://relay.example:8443/api/walls/main/stream");
  });
});

describe("a link", () => {
  let push: (text: string) => void;
  let finish: () => void;
  let asked: { url: URL; headers: Record<string, string> };
  let messages: Message[];
  let subscribed: Readonly<Record<string, string>>[];
  let downs: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    messages = [];
    subscribed = [];
    downs = [];
    vi.stubGlobal("location", { origin: "https://wall.example" });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function answering(status = 200, type = "text/event-stream; charset=utf-8"): void {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        push = (text) => controller.enqueue(new TextEncoder().encode(text));
        finish = () => controller.close();
      },
    });
    vi.stubGlobal("fetch", async (url: URL, init: { headers: Record<string, string> }) => {
      asked = { url, headers: init.headers };
      return new Response(body, { status, headers: { "content-type": type } });
    });
  }

  function open(cursor: string | null = null, token: string | null = null) {
    return openEventStream(
      "/stomp",
      "/topic/wall.main",
      cursor,
      {
        onSubscribed: (headers) => subscribed.push(headers),
        onMessage: (message) => messages.push(message),
        onDown: (reason) => downs.push(reason),
      },
      token,
    );
  }

  const settle = () => vi.advanceTimersByTimeAsync(10);

  test("says hello as a receipt and passes on events; a gap marks the next one", async () => {
    answering();
    open("aaaa-1", "secret");
    await settle();
    expect(asked.url.searchParams.get("cursor")).toBe("aaaa-1");
    expect(asked.headers["authorization"]).toBe("Bearer secret");
    push('event: hello\ndata: {"recovered":true}\n\nevent: published\ndata: 1\n\n');
    push(
      'event: gap\ndata: {}\n\nevent: removed\ndata: 2\n\nevent: superseded\ndata: {"follows":4}\n\nevent: head\ndata: 3\n\n',
    );
    await settle();
    expect(subscribed).toEqual([{ recovered: "true" }]);
    expect(messages).toEqual([
      { body: "1", headers: {} },
      { body: "2", headers: { gap: "true" } },
      { body: "3", headers: { gap: "superseded", follows: "4" } },
    ]);
    expect(downs).toEqual([]);
  });

  test("without a cursor nothing was to be recovered", async () => {
    answering();
    open();
    await settle();
    push('event: hello\ndata: {"recovered":false}\n\n');
    await settle();
    expect(subscribed).toEqual([{}]);
  });

  test.each([
    [404, "text/event-stream"],
    [200, "text/html"],
  ])("an answer %d of %s is the end, once", async (status, type) => {
    answering(status, type);
    open();
    await settle();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(downs).toHaveLength(1);
  });

  test("the end of the stream, and its farewell, are one end", async () => {
    answering();
    open();
    await settle();
    push("event: ended\ndata: {}\n\n");
    finish();
    await settle();
    expect(downs).toHaveLength(1);
  });

  test("a stream that falls silent is down; comments keep it up", async () => {
    answering();
    open();
    await settle();
    for (let times = 0; times < 5; times++) {
      push(":\n\n");
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(downs).toEqual([]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(downs).toEqual(["the stream fell silent"]);
  });

  test("a link that was closed says nothing more", async () => {
    answering();
    open().close();
    await settle();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([subscribed, messages, downs]).toEqual([[], [], []]);
  });
});
