import { describe, expect, test } from "vitest";
import { guestOf, type Kept, keepName, nameOf } from "../../src/guest/keeping.js";
import { addPath, placeOf, receiptPath } from "../../src/guest/places.js";

function storage(): Kept {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

const refusing: Kept = {
  getItem: () => {
    throw new Error("denied");
  },
  setItem: () => {
    throw new Error("full");
  },
};
const random = (bytes: Uint8Array) => void bytes.set(bytes.map((_, i) => i * 7));

describe("the guest", () => {
  test("is the same after a reload", () => {
    const kept = storage();
    const first = guestOf(kept, null, random);
    expect(first.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(guestOf(kept, null, () => expect.unreachable("a second token"))).toEqual({
      token: first.token,
      kept: true,
    });
  });

  test("of a link goes before the one this browser knows, and does not replace it", () => {
    const kept = storage();
    const own = guestOf(kept, null, random).token;
    const given = "g".repeat(43);
    expect(guestOf(kept, given, random).token).toBe(given);
    expect(guestOf(kept, null, random).token).toBe(own);
  });

  test("of a link does not become this browser's own where there was none", () => {
    const kept = storage();
    const given = "g".repeat(43);
    expect(guestOf(kept, given, random)).toEqual({ token: given, kept: false });
    expect(guestOf(kept, null, random).token).not.toBe(given);
  });

  test("of a broken link is nobody", () => {
    expect(guestOf(storage(), "too-short", random).token).toHaveLength(43);
  });

  test("goes on where the browser keeps nothing", () => {
    expect(guestOf(refusing, null, random)).toMatchObject({ kept: false });
    expect(guestOf(null, null, random)).toMatchObject({ kept: false });
    keepName(refusing, "Ada");
    expect(nameOf(refusing)).toBe("");
  });
});

describe("places", () => {
  test("secrets stand behind the hash", () => {
    expect(receiptPath("party", "k", "g")).toBe("/w/party/receipt#key=k&guest=g");
    expect(addPath("party", null)).toBe("/w/party/add");
  });

  test("every address leads to its page and back", () => {
    const url = new URL(receiptPath("party", "k", "g"), "https://wall.example");
    expect(placeOf(url.pathname, url.hash)).toEqual({ page: "receipt", slug: "party", key: "k", guest: "g" });
    expect(placeOf("/w/party/add", "")).toEqual({ page: "add", slug: "party", key: null });
    expect(placeOf("/u/01KA", "#key=r")).toEqual({ page: "upload", id: "01KA", key: "r" });
  });

  test("nobody is told by a link under whose token to add", () => {
    expect(placeOf("/w/party/add", "#key=k&guest=g")).toEqual({ page: "add", slug: "party", key: "k" });
  });

  test("an address that nobody encoded rightly is no error", () => {
    expect(placeOf("/w/%E0%A4%A/add", "")).toMatchObject({ page: "add", slug: "%E0%A4%A" });
  });
});
