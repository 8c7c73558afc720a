import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCursor, readEvent, readEvents, readInfo, readSnapshot } from "../../src/wall/types.js";
import { must, wireEvent, wirePost, wireSnapshot } from "./samples.js";

describe("events", () => {
  test("a published event is read with its post, its times in milliseconds", () => {
    const event = must(readEvent(wireEvent(812, "published", { post: wirePost("p1", 2) })));
    expect(event).toMatchObject({
      kind: "published",
      seq: 812,
      epoch: "aaaa",
      at: Date.UTC(2026, 10, 21, 10, 0, 2),
    });
    if (event.kind !== "published") throw new Error("not published");
    expect(event.post.media).toHaveLength(2);
    expect(event.post.received).toBe(Date.UTC(2026, 10, 21, 10, 0, 1));
  });

  test("another version is no event", () => {
    expect(readEvent({ ...wireEvent(1, "head"), v: 2 })).toBeNull();
  });

  test("an unknown kind is no event, an unknown field is ignored", () => {
    expect(readEvent(wireEvent(1, "exploded"))).toBeNull();
    expect(readEvent(wireEvent(1, "head", { mood: "fine" }))).not.toBeNull();
  });

  test.each([-1, 1.5, "7", null, Number.MAX_SAFE_INTEGER + 1])("seq %s is refused", (seq) => {
    expect(readEvent({ ...wireEvent(1, "head"), seq })).toBeNull();
  });

  test("ids that are no text are left out of a removal", () => {
    expect(readEvent(wireEvent(3, "removed", { post_ids: ["a", 7, null, "b"] }))).toMatchObject({
      postIds: ["a", "b"],
    });
  });
});

describe("addresses", () => {
  const url = (address: unknown) => {
    const post = wirePost("p") as { media: { renditions: { url: unknown }[] }[] };
    post.media[0]!.renditions = [{ ...post.media[0]!.renditions[0]!, url: address }];
    const event = must(readEvent(wireEvent(1, "published", { post })));
    return event.kind === "published" ? event.post.media[0]!.renditions.length : -1;
  };

  test("a picture's address is a path on this installation", () => {
    expect(url("/media/abc/thumbnail-320")).toBe(1);
  });

  test.each([
    "https://evil.example/x.png",
    "//evil.example/x.png",
    "/\\evil.example/x.png",
    "javascript:alert(1)",
    "data:image/png;base64,AA",
    "/media/a\nb",
    "/\t/evil.example",
    "media/x",
    "",
    42,
  ])("%j is not one, and its rendition goes", (address) => {
    expect(url(address)).toBe(0);
  });

  test.each(["javascript:alert(1)", "data:text/html,x", "not an address", 7])(
    "a post's link is never %j",
    (link) => {
      const event = must(readEvent(wireEvent(1, "published", { post: { ...wirePost("p"), url: link } })));
      expect(event.kind === "published" && event.post.url).toBeNull();
    },
  );
});

test("a picture without a size or with an absurd one is left out", () => {
  const post = wirePost("p", 3) as { media: Record<string, unknown>[] };
  post.media[0]!["width"] = 0;
  post.media[1]!["height"] = Number.NaN;
  const event = must(readEvent(wireEvent(1, "published", { post })));
  expect(event.kind === "published" && event.post.media.map((media) => media.id)).toEqual(["pm2"]);
});

test("a focus outside the picture counts as none", () => {
  const post = wirePost("p") as { media: Record<string, unknown>[] };
  post.media[0]!["focus"] = [3, 0];
  const event = must(readEvent(wireEvent(1, "published", { post })));
  expect(event.kind === "published" && event.post.media[0]!.focus).toBeNull();
});

test("a snapshot keeps the posts that can be read", () => {
  const wire = wireSnapshot("aaaa-7", ["a", "b"]);
  wire.posts.push({ id: 9 });
  expect(must(readSnapshot(wire)).posts.map((post) => post.id)).toEqual(["a", "b"]);
  expect(readSnapshot({ ...wire, cursor: "aaaa" })).toBeNull();
});

test("the wall's settings say where to connect", () => {
  const info = must(
    readInfo({
      slug: "main",
      title: "Main",
      settings: {},
      looking_for: ["#a", 3],
      connect: { kind: "broker", url: "ws://h:1/" },
      nodes: [],
    }),
  );
  expect(info.connect).toEqual({ kind: "broker", url: "ws://h:1/" });
  expect(info.lookingFor).toEqual(["#a"]);
  expect(readInfo({ slug: "main", title: "Main" })).toBeNull();
});

test("cursors are read strictly", () => {
  expect(readCursor("q7ka-812")).toEqual({ epoch: "q7ka", seq: 812 });
  for (const wrong of ["q7ka", "q7ka-", "Q7KA-1", "q7ka-01", "q7ka--1", "q7ka-1\n", 5])
    expect(readCursor(wrong)).toBeNull();
});

test("no JSON whatsoever makes a reader throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      for (const read of [readEvent, readEvents, readSnapshot, readInfo]) read(a);
      readEvent(wireEvent(1, "published", { post: a }));
      readEvent(
        wireEvent(1, "published", {
          post: { ...wirePost("p"), author: a, media: [b, { ...wirePost("q"), renditions: [b] }] },
        }),
      );
      readSnapshot({ ...wireSnapshot("aaaa-1", []), posts: [a, b], wall: b });
    }),
  );
});
