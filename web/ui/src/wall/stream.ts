/**
 * The wall's events by Server-Sent Events (docs/wire.md), for networks that let no WebSocket through.
 *
 * Read with fetch, because an EventSource can't send a secret wall's token in a header, and comes back by itself,
 * without jitter. Like a STOMP link it is used once and ends with exactly one `onDown`.
 */

import type { OpenLink } from "./link.js";

// As the STOMP link's: CONNECTED and RECEIPT together.
const CONNECT_MS = 20_000;
// The relay says something every 10 s; two of those may be lost in a tunnel.
const SILENCE_MS = 25_000;
// Above any event (32 KiB, docs/wire.md) in the worst spelling; what is longer is none of ours.
const MAX_EVENT = 512 * 1024;

export interface StreamEvent {
  readonly kind: string;
  readonly data: string;
}

/** Text in pieces, as it comes, to whole events. Comments, ids and `retry` are not for us. */
export class EventParser {
  #rest = "";
  #kind = "";
  #data: string[] = [];
  #size = 0;

  /** The events that `text` completes. Throws on one that is too long. */
  feed(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    // Our relay ends lines with LF alone.
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0)
          events.push({ kind: this.#kind || "message", data: this.#data.join("\n") });
        this.#kind = "";
        this.#data = [];
        this.#size = 0;
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") this.#kind = value;
      if (name === "data") this.#data.push(value);
      this.#size += line.length;
    }
    if (this.#size + this.#rest.length > MAX_EVENT) throw new Error("an event of the stream is too long");
    return events;
  }
}

/** Where the stream of a destination's wall is: on the relay's own host, or on ours where a broker is named. */
export function streamAddress(url: string, destination: string, origin: string): URL {
  const named = new URL(url, origin.replace(/^http/, "ws"));
  const base = named.pathname === "/stomp" ? named.origin.replace(/^ws/, "http") : origin;
  const slug = destination.slice(destination.lastIndexOf(".") + 1);
  return new URL(`/api/walls/${encodeURIComponent(slug)}/stream`, base);
}

export const openEventStream: OpenLink = (url, destination, cursor, handlers, token = null) => {
  let ended = false;
  let mark: Record<string, string> = {};
  const stop = new AbortController();
  let deadline = setTimeout(() => end("no event stream in time"), CONNECT_MS);
  void read();

  async function read(): Promise<void> {
    try {
      const address = streamAddress(url, destination, location.origin);
      if (cursor !== null) address.searchParams.set("cursor", cursor);
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (token !== null) headers["authorization"] = `Bearer ${token}`;
      const answer = await fetch(address, {
        headers,
        signal: stop.signal,
        cache: "no-store",
        credentials: "omit",
      });
      const type = answer.headers.get("content-type") ?? "";
      if (!answer.ok || answer.body === null || !type.startsWith("text/event-stream")) {
        end(`the stream answered ${answer.status}`);
        return;
      }
      const parser = new EventParser();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (ended) return;
        if (done) {
          end("the stream ended");
          return;
        }
        clearTimeout(deadline);
        deadline = setTimeout(() => end("the stream fell silent"), SILENCE_MS);
        for (const event of parser.feed(value)) if (!ended) take(event.kind, event.data);
      }
    } catch (error) {
      end(error instanceof Error ? error.message : "the stream failed");
    }
  }

  function take(kind: string, data: string): void {
    switch (kind) {
      case "hello":
        // Without a cursor there was nothing to recover, as in a RECEIPT.
        handlers.onSubscribed(
          cursor === null ? {} : { recovered: String(field(data, "recovered") === true) },
        );
        return;
      case "gap":
        mark = { gap: "true" };
        return;
      case "superseded":
        mark = { gap: "superseded", follows: String(field(data, "follows")) };
        return;
      case "ended":
        end("the relay ended the stream");
        return;
      default:
        handlers.onMessage({ body: data, headers: mark });
        mark = {};
    }
  }

  function end(reason: string): void {
    if (ended) return;
    close();
    handlers.onDown(reason);
  }

  function close(): void {
    ended = true;
    clearTimeout(deadline);
    stop.abort();
  }

  return { close };
};

function field(data: string, name: string): unknown {
  try {
    return (JSON.parse(data) as Record<string, unknown> | null)?.[name];
  } catch {
    return undefined;
  }
}
