import { vi } from "vitest";
import { type Api, Gone } from "../../src/wall/api.js";
import { Feed } from "../../src/wall/feed.js";
import type { LinkHandlers, OpenLink } from "../../src/wall/link.js";
import { newestFirst } from "../../src/wall/reducer.js";
import type { Snapshot, WallEvent, WallInfo } from "../../src/wall/types.js";
import { snapshot, wireEvent, wirePost } from "./samples.js";

/** What a feed talks to: the API's answers as the test set them, and every link that was opened. */
export class Server {
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
        uploads: null,
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

export const post = (seq: number, id: string) => wireEvent(seq, "published", { post: wirePost(id) });
export const remove = (seq: number, id: string) => wireEvent(seq, "removed", { post_ids: [id] });

/** The page's feed of the test that runs; `visit` makes it. */
export let feed: Feed;

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

/** A page that comes to the wall, its requests answered. `random`: what every draw gives, 0 to 1. */
export async function visit(server: Server, random = 0.5): Promise<Feed> {
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

/** The posts on the wall, newest first. */
export const ids = () => newestFirst(feed.state).map((shown) => shown.post.id);

/** A page that is live on a wall with the post "a" at sequence number 1, and no request counted. */
export async function joined(kind: "relay" | "broker" = "relay", random = 0.5): Promise<Server> {
  const server = new Server();
  server.kind = kind;
  server.snapshots = [snapshot("aaaa-1", ["a"])];
  await visit(server, random);
  server.link.handlers.onSubscribed({ recovered: "true" });
  server.asked = [];
  return server;
}
