/** Wire JSON as the server sends it, and the records made of it. */

import { type Post, readEvent, readSnapshot, type Snapshot, type WallEvent } from "../../src/wall/types.js";

export function wirePost(id: string, pictures = 1): Record<string, unknown> {
  return {
    id,
    revision: 1,
    source: "mastodon",
    url: "https://example.social/@ada/1",
    author: { name: "Ada", handle: "@ada@example.social", avatar: null },
    text: "Morning light",
    created: "2026-11-21T10:00:00.000Z",
    received: "2026-11-21T10:00:01.000Z",
    ready: "2026-11-21T10:00:01.200Z",
    media: Array.from({ length: pictures }, (_, i) => ({
      id: `${id}m${i}`,
      kind: "image",
      alt: "",
      width: 1600,
      height: 1200,
      focus: [0.1, -0.2],
      thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI",
      renditions: [
        {
          role: "thumbnail-640",
          width: 640,
          height: 480,
          type: "image/webp",
          bytes: 1,
          url: `/media/${id}m${i}/thumbnail-640`,
        },
        {
          role: "thumbnail-320",
          width: 320,
          height: 240,
          type: "image/webp",
          bytes: 1,
          url: `/media/${id}m${i}/thumbnail-320`,
        },
      ],
    })),
  };
}

export function wireEvent(seq: number, kind: string, rest: Record<string, unknown> = {}, epoch = "aaaa") {
  return { v: 1, wall: "main", epoch, seq, kind, at: "2026-11-21T10:00:02.000Z", ...rest };
}

export function published(seq: number, id: string, epoch = "aaaa"): WallEvent {
  return must(readEvent(wireEvent(seq, "published", { post: wirePost(id) }, epoch)));
}

export function updated(seq: number, id: string, text = "edited"): WallEvent {
  return must(readEvent(wireEvent(seq, "updated", { post: { ...wirePost(id), revision: seq, text } })));
}

export function removed(seq: number, ids: string[], epoch = "aaaa"): WallEvent {
  return must(readEvent(wireEvent(seq, "removed", { post_ids: ids }, epoch)));
}

export function head(seq: number, epoch = "aaaa"): WallEvent {
  return must(readEvent(wireEvent(seq, "head", {}, epoch)));
}

export function wireSnapshot(cursor: string, ids: readonly string[]) {
  return {
    v: 1,
    cursor,
    now: "2026-11-21T10:00:03.000Z",
    wall: { slug: "main", title: "Main", settings: {} },
    posts: ids.map((id) => wirePost(id)),
  };
}

export function snapshot(cursor: string, ids: readonly string[]): Snapshot {
  return must(readSnapshot(wireSnapshot(cursor, ids)));
}

export function snapshotOf(cursor: string, posts: readonly Post[]): Snapshot {
  return { ...snapshot(cursor, []), posts };
}

export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("the sample is not what the reader expects");
  return value;
}
