/**
 * The wire's records (docs/wire.md), and the one place where unknown JSON becomes them.
 *
 * Nothing from the network is believed: a field of the wrong type, an address that leaves this installation or a
 * number out of range makes its record go away (a post without an id, a rendition with a foreign address), never
 * the page.
 */

import type { Media, Rendition } from "../media.js";
import { count, list, localAddress, object, present, side, text, time, webAddress } from "../reading.js";
import { readUploads, type Uploads } from "../uploads.js";

/** The last event a reader has applied. Epochs sort by age as text; `seq` counts from 1 (0: nothing yet). */
export interface Cursor {
  readonly epoch: string;
  readonly seq: number;
}

export interface Author {
  readonly name: string;
  readonly handle: string;
  readonly avatar: string | null;
}

export interface Post {
  readonly id: string;
  readonly revision: number;
  readonly source: string;
  readonly url: string | null;
  readonly author: Author;
  readonly text: string;
  /** Milliseconds since 1970 by the server's clock, as all times here. */
  readonly created: number;
  readonly received: number;
  readonly ready: number | null;
  readonly media: readonly Media[];
}

export interface WallView {
  readonly slug: string;
  readonly title: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

interface EventBase extends Cursor {
  readonly wall: string;
  readonly at: number;
}

export type WallEvent =
  | (EventBase & { readonly kind: "published" | "updated"; readonly post: Post })
  | (EventBase & { readonly kind: "removed"; readonly postIds: readonly string[] })
  | (EventBase & { readonly kind: "wall"; readonly view: WallView })
  | (EventBase & { readonly kind: "head" });

export interface Snapshot {
  readonly cursor: Cursor;
  readonly now: number;
  readonly wall: WallView;
  readonly posts: readonly Post[];
}

/** What `GET /api/walls/<slug>` says: the wall, where to connect, and with what token where the wall is secret. */
export interface WallInfo {
  readonly wall: WallView;
  readonly lookingFor: readonly string[];
  readonly connect: { readonly kind: "relay" | "broker"; readonly url: string };
  readonly token: string | null;
  /** The relays there are, in the order to try them; none where there is only `connect`. */
  readonly nodes: readonly string[];
  /** What guests may add; null where they may add nothing. */
  readonly uploads: Uploads | null;
}

export const VERSION = 1;

// Above anything the server sends (wall/wire.py trims to 32 KiB an event; a snapshot holds 200 posts).
const MAX_POSTS = 500;
const MAX_MEDIA = 100;
const MAX_RENDITIONS = 16;
const MAX_IDS = 1_000;
const MAX_NODES = 64;
const MAX_TEXT = 100_000;
const MAX_NAME = 1_000;
// A day: no video on a wall is longer.
const MAX_SECONDS = 86_400;

const CURSOR = /^([a-z0-9]{4,16})-(0|[1-9][0-9]{0,15})$/;
const EPOCH = /^[a-z0-9]{4,16}$/;

/** Reads an event's body. Null when it is none of ours, or of another version. */
export function readEvent(value: unknown): WallEvent | null {
  const fields = object(value);
  if (fields === null || fields["v"] !== VERSION) return null;
  const wall = text(fields["wall"], 40);
  const epoch = fields["epoch"];
  const seq = count(fields["seq"]);
  const at = time(fields["at"]);
  if (wall === null || typeof epoch !== "string" || !EPOCH.test(epoch) || seq === null || at === null)
    return null;
  const base = { wall, epoch, seq, at };
  switch (fields["kind"]) {
    case "published":
    case "updated": {
      const post = readPost(fields["post"]);
      return post && seq > 0 ? { ...base, kind: fields["kind"], post } : null;
    }
    case "removed": {
      const postIds = list(fields["post_ids"], MAX_IDS).filter((id) => typeof id === "string");
      return seq > 0 ? { ...base, kind: "removed", postIds } : null;
    }
    case "wall": {
      const view = readView(fields["settings"]);
      return view && seq > 0 ? { ...base, kind: "wall", view } : null;
    }
    case "head":
      return { ...base, kind: "head" };
    default:
      return null;
  }
}

export function readSnapshot(value: unknown): Snapshot | null {
  const fields = object(value);
  if (fields === null || (fields["v"] ?? VERSION) !== VERSION) return null;
  const cursor = readCursor(fields["cursor"]);
  const now = time(fields["now"]);
  const wall = readView(fields["wall"]);
  if (cursor === null || now === null || wall === null || !Array.isArray(fields["posts"])) return null;
  const posts = list(fields["posts"], MAX_POSTS).map(readPost).filter(present);
  return { cursor, now, wall, posts };
}

/** The events of `{"events": [...]}`, in the order given. Null when the answer has another shape. */
export function readEvents(value: unknown): WallEvent[] | null {
  const fields = object(value);
  if (fields === null || !Array.isArray(fields["events"])) return null;
  return list(fields["events"], MAX_IDS).map(readEvent).filter(present);
}

export function readInfo(value: unknown): WallInfo | null {
  const fields = object(value);
  const wall = readView(value);
  const connect = object(fields?.["connect"]);
  const url = text(connect?.["url"], MAX_NAME);
  if (fields === null || wall === null || connect === null || !url) return null;
  const kind = connect["kind"] === "broker" ? "broker" : "relay";
  const lookingFor = list(fields["looking_for"], 20)
    .map((item) => text(item, 200))
    .filter(present);
  const nodes = list(fields["nodes"], MAX_NODES)
    .map((item) => text(object(item)?.["url"], MAX_NAME))
    .filter(present)
    .filter((address) => address !== "");
  const token = text(fields["token"], MAX_NAME);
  return { wall, lookingFor, connect: { kind, url }, token, nodes, uploads: readUploads(fields["uploads"]) };
}

export function readCursor(value: unknown): Cursor | null {
  const match = typeof value === "string" ? CURSOR.exec(value) : null;
  return match ? { epoch: match[1] as string, seq: Number(match[2]) } : null;
}

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}-${cursor.seq}`;
}

function readPost(value: unknown): Post | null {
  const fields = object(value);
  const id = text(fields?.["id"], 64);
  const created = time(fields?.["created"]);
  const received = time(fields?.["received"]);
  if (fields === null || !id || created === null || received === null) return null;
  const author = object(fields["author"]);
  return {
    id,
    revision: count(fields["revision"]) ?? 1,
    source: text(fields["source"], 40) ?? "",
    url: webAddress(fields["url"]),
    author: {
      name: text(author?.["name"], MAX_NAME) ?? "",
      handle: text(author?.["handle"], MAX_NAME) ?? "",
      avatar: localAddress(author?.["avatar"]),
    },
    text: text(fields["text"], MAX_TEXT) ?? "",
    created,
    received,
    ready: time(fields["ready"]),
    media: list(fields["media"], MAX_MEDIA).map(readMedia).filter(present),
  };
}

function readMedia(value: unknown): Media | null {
  const fields = object(value);
  const id = text(fields?.["id"], 64);
  const width = side(fields?.["width"]);
  const height = side(fields?.["height"]);
  if (fields === null || !id || width === null || height === null) return null;
  const kind = fields["kind"];
  return {
    id,
    kind: kind === "animation" || kind === "video" ? kind : "image",
    alt: text(fields["alt"], MAX_TEXT) ?? "",
    width,
    height,
    focus: readFocus(fields["focus"]),
    thumbhash: text(fields["thumbhash"], 64),
    duration: seconds(fields["duration"]),
    renditions: list(fields["renditions"], MAX_RENDITIONS).map(readRendition).filter(present),
  };
}

function readRendition(value: unknown): Rendition | null {
  const fields = object(value);
  const role = text(fields?.["role"], 40);
  const width = side(fields?.["width"]);
  const height = side(fields?.["height"]);
  const url = localAddress(fields?.["url"]);
  if (!role || width === null || height === null || url === null) return null;
  return { role, width, height, url, type: text(fields?.["type"], 80) ?? "" };
}

function seconds(value: unknown): number | null {
  return typeof value === "number" && value > 0 && value < MAX_SECONDS ? value : null;
}

function readFocus(value: unknown): readonly [number, number] | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [x, y] = value;
  if (typeof x !== "number" || typeof y !== "number") return null;
  return Math.abs(x) <= 1 && Math.abs(y) <= 1 ? [x, y] : null;
}

function readView(value: unknown): WallView | null {
  const fields = object(value);
  const slug = text(fields?.["slug"], 40);
  const title = text(fields?.["title"], MAX_NAME);
  if (!slug || title === null) return null;
  return { slug, title, settings: object(fields?.["settings"]) ?? {} };
}
