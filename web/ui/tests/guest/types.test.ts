import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readLease,
  readRefusal,
  readRetryAfter,
  readUpload,
  readUploadList,
  readWall,
} from "../../src/guest/types.js";
import { lookPause, mayChange, SLOWEST_LOOK_MS } from "../../src/guest/watching.js";
import { upload, wireLease, wireUpload } from "./samples.js";

describe("an address for bytes", () => {
  test("is a path here, or the store's own", () => {
    expect(readLease(wireLease("a"))).toMatchObject({ mode: "relay", url: "/api/uploads/a/bytes/token" });
    const direct = wireLease("a", {
      mode: "direct",
      url: "https://store.example/k?s=1",
      complete: "/api/uploads/a/complete",
    });
    expect(readLease(direct)).toMatchObject({ mode: "direct", complete: "/api/uploads/a/complete" });
  });

  test.each([
    { url: "https://evil.example/" },
    { url: "//evil.example/" },
    { mode: "direct", url: "javascript:alert(1)", complete: "/c" },
    { mode: "direct", url: "https://store.example/k", complete: null },
    { receipt: "https://evil.example/" },
    { id: 7 },
  ])("is none where it leads astray (%#)", (fields) => {
    expect(readLease(wireLease("a", fields))).toBeNull();
  });
});

describe("an upload", () => {
  test("is read with its times in milliseconds", () => {
    const read = readUpload(wireUpload("a", { state: "later", shown_from: "2026-11-21T22:00:00Z" }));
    expect(read).toMatchObject({ id: "a", state: "later", shownFrom: Date.UTC(2026, 10, 21, 22) });
  });

  test("of a state nobody knows is left out of a list", () => {
    const uploads = [wireUpload("a"), wireUpload("b", { state: "eaten" }), null];
    expect(readUploadList({ uploads })?.map((one) => one.id)).toEqual(["a"]);
    expect(readUploadList({})).toBeNull();
  });

  test("shows no picture from elsewhere", () => {
    expect(readUpload(wireUpload("a", { thumbnail: "https://evil.example/x.png" }))?.thumbnail).toBeNull();
  });

  test("nothing from the network is an error", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const read of [readLease, readUpload, readUploadList, readWall, readRefusal]) read(value);
      }),
    );
  });
});

describe("a refusal", () => {
  test("names this guest's own upload, wherever it stands", () => {
    const error = { code: "already", sentence: "It is there.", upload: "b" };
    expect(readRefusal({ error })).toEqual(error);
    expect(readRefusal({ error: { code: "already", sentence: "" }, upload: "c" })?.upload).toBe("c");
    expect(readRefusal("nginx")).toBeNull();
  });

  test("says for how long in seconds or as a date", () => {
    expect(readRetryAfter("8", 0)).toBe(8_000);
    expect(readRetryAfter("Sat, 21 Nov 2026 10:00:10 GMT", Date.UTC(2026, 10, 21, 10))).toBe(10_000);
    expect(readRetryAfter("soon", 0)).toBeNull();
    expect(readRetryAfter(null, 0)).toBeNull();
  });
});

describe("looking again", () => {
  test("gets slower, up to a minute", () => {
    expect([0, 1, 2].map(lookPause)).toEqual([2_000, 3_000, 4_500]);
    expect(lookPause(1_000)).toBe(SLOWEST_LOOK_MS);
  });

  test("ends when nothing changes by itself any more", () => {
    expect(mayChange([upload("a", { final: true })])).toBe(false);
    expect(mayChange([upload("a", { final: true }), upload("b")])).toBe(true);
  });
});
