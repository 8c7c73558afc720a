import { describe, expect, test } from "vitest";
import { changesOf, formOf, type GuestForm, problemOf } from "../../src/console/rules.js";
import type { Guests } from "../../src/console/types.js";
import { overview } from "./posts.js";

const GUESTS: Guests = {
  enabled: true,
  opens: null,
  closes: "2026-11-22T02:00:00Z",
  consent: "Mine.",
  name_required: false,
  video: true,
  image_bytes: 100 * 1024 ** 2,
  video_bytes: 4 * 1024 ** 3,
  wall_bytes: 200 * 1024 ** 3,
  wall_posts: 20_000,
  guest_bytes: 8 * 1024 ** 3,
  guest_posts: 200,
  only: false,
  reveal_at: null,
  link: "/w/main/add",
  qr: true,
  corner: "top-left",
};
const FORM = formOf(GUESTS, overview().walls[0]!);
const changed = (fields: Partial<GuestForm>) => ({ ...FORM, ...fields });

describe("the sheet for guests", () => {
  test("shows sizes as people say them", () => {
    expect(FORM).toMatchObject({
      image_mb: "100",
      video_mb: "4096",
      guest_gb: "8",
      wall_gb: "200",
      retention: "24",
    });
  });

  test("says nothing to the server where nothing was changed", () => {
    expect(changesOf(FORM, changed({}))).toEqual({ guests: {}, wall: {} });
  });

  test("a time goes through its field and back unchanged", () => {
    const changes = changesOf(changed({ closes: "" }), FORM);
    expect(new Date(String(changes.guests.closes)).getTime()).toBe(Date.parse("2026-11-22T02:00:00Z"));
    expect(changesOf(FORM, changed({ closes: "" })).guests).toEqual({ closes: null });
  });

  test("sends what changed, each to its own place", () => {
    const form = changed({
      enabled: false,
      image_mb: "12,5",
      guest_posts: "7",
      downloads: true,
      retention: "48",
      qr: false,
    });
    expect(changesOf(FORM, form)).toEqual({
      guests: { enabled: false, image_bytes: 12.5 * 1024 ** 2, guest_posts: 7, qr: false },
      wall: { downloads: true, retention: 48 },
    });
  });

  test("finds nothing wrong with what the server said", () => {
    expect(problemOf(FORM)).toBeNull();
  });

  test.each<[Partial<GuestForm>, string]>([
    [{ image_mb: "much" }, "largest picture"],
    [{ video_mb: "6000" }, "5,120"],
    [{ guest_posts: "0" }, "at least 1"],
    [{ wall_posts: "1.5" }, "whole number"],
    [{ retention: "-1" }, "hours"],
    [{ opens: "2026-11-22T10:00", closes: "2026-11-21T10:00" }, "close after it opens"],
  ])("what can't be is said in words (%#)", (fields, words) => {
    expect(problemOf(changed(fields))).toContain(words);
  });
});
