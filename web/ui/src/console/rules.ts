/** The sheet of what guests may add and viewers may have, as fields and as what changes: pure. */

import type { Corner, Guests, Wall } from "./types.js";

/** Texts as they stand in their fields; times are local, as `2026-11-21T20:00`, empty: none. */
export interface GuestForm {
  readonly enabled: boolean;
  readonly opens: string;
  readonly closes: string;
  readonly consent: string;
  readonly name_required: boolean;
  readonly video: boolean;
  readonly image_mb: string;
  readonly video_mb: string;
  readonly guest_posts: string;
  readonly guest_gb: string;
  readonly wall_posts: string;
  readonly wall_gb: string;
  readonly only: boolean;
  readonly reveal_at: string;
  readonly qr: boolean;
  readonly corner: Corner;
  readonly downloads: boolean;
  readonly retention: string;
}

export interface GuestChanges {
  readonly guests: Partial<Guests>;
  readonly wall: { readonly retention?: number; readonly downloads?: boolean };
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** wall/uploads.py: what a store takes in one PUT. */
const MOST_BYTES = 5 * GIB;
/** wall/catalogue/walls.py: a year. */
const MOST_HOURS = 24 * 366;
const MOST_POSTS = 1_000_000_000;
const MOST_WALL_BYTES = 2 ** 50;

export function formOf(guests: Guests, wall: Wall): GuestForm {
  return {
    enabled: guests.enabled,
    opens: toField(guests.opens),
    closes: toField(guests.closes),
    consent: guests.consent,
    name_required: guests.name_required,
    video: guests.video,
    image_mb: inUnits(guests.image_bytes, MIB),
    video_mb: inUnits(guests.video_bytes, MIB),
    guest_posts: String(guests.guest_posts),
    guest_gb: inUnits(guests.guest_bytes, GIB),
    wall_posts: String(guests.wall_posts),
    wall_gb: inUnits(guests.wall_bytes, GIB),
    only: guests.only,
    reveal_at: toField(guests.reveal_at),
    qr: guests.qr,
    corner: guests.corner,
    downloads: wall.downloads,
    retention: String(wall.retention),
  };
}

/** What is wrong with the fields, in one sentence; null when nothing is. */
export function problemOf(form: GuestForm): string | null {
  const numbers: readonly (readonly [string, string, number, number])[] = [
    ["The largest picture", form.image_mb, MIB, MOST_BYTES],
    ["The largest video", form.video_mb, MIB, MOST_BYTES],
    ["A guest’s share", form.guest_gb, GIB, MOST_WALL_BYTES],
    ["The wall’s share", form.wall_gb, GIB, MOST_WALL_BYTES],
  ];
  for (const [what, field, unit, most] of numbers) {
    const bytes = bytesOf(field, unit);
    if (bytes === null || bytes < 1 || bytes > most)
      return `${what} is a number of ${unit === MIB ? "MB" : "GB"} from 1 to ${(most / unit).toLocaleString()}.`;
  }
  for (const [what, field] of [
    ["A guest may add", form.guest_posts],
    ["The wall takes", form.wall_posts],
  ] as const) {
    const posts = whole(field);
    if (posts === null || posts < 1 || posts > MOST_POSTS)
      return `${what} a whole number of pictures, at least 1.`;
  }
  const hours = whole(form.retention);
  if (hours === null || hours > MOST_HOURS)
    return `Bytes are kept for 0 to ${MOST_HOURS.toLocaleString()} hours.`;
  const [opens, closes] = [fromField(form.opens), fromField(form.closes)];
  if (opens !== null && closes !== null && closes <= opens) return "It must close after it opens.";
  return null;
}

/** What the server must be told so that `before` becomes `after`. Only for a form without a problem. */
export function changesOf(before: GuestForm, after: GuestForm): GuestChanges {
  const guests: Record<string, unknown> = {};
  const wall: { retention?: number; downloads?: boolean } = {};
  const changed = (name: keyof GuestForm) => before[name] !== after[name];
  for (const name of ["enabled", "name_required", "video", "only", "qr", "corner"] as const)
    if (changed(name)) guests[name] = after[name];
  if (changed("consent")) guests["consent"] = after.consent.trim();
  for (const name of ["opens", "closes", "reveal_at"] as const)
    if (changed(name)) guests[name] = fromField(after[name]);
  for (const [field, name, unit] of [
    ["image_mb", "image_bytes", MIB],
    ["video_mb", "video_bytes", MIB],
    ["guest_gb", "guest_bytes", GIB],
    ["wall_gb", "wall_bytes", GIB],
  ] as const)
    if (changed(field)) guests[name] = bytesOf(after[field], unit);
  for (const name of ["guest_posts", "wall_posts"] as const)
    if (changed(name)) guests[name] = whole(after[name]);
  if (changed("downloads")) wall.downloads = after.downloads;
  const hours = whole(after.retention);
  if (changed("retention") && hours !== null) wall.retention = hours;
  return { guests: guests as Partial<Guests>, wall };
}

/** `2026-11-21T19:00:00Z` as a field has it where this browser stands. */
function toField(moment: string | null): string {
  if (moment === null) return "";
  const at = new Date(moment);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function fromField(field: string): string | null {
  const at = Date.parse(field);
  return field === "" || !Number.isFinite(at) ? null : new Date(at).toISOString();
}

function inUnits(bytes: number, unit: number): string {
  return String(Math.round((bytes / unit) * 100) / 100);
}

function bytesOf(field: string, unit: number): number | null {
  const value = Number(field.trim().replace(",", "."));
  return field.trim() === "" || !Number.isFinite(value) ? null : Math.round(value * unit);
}

function whole(field: string): number | null {
  return /^\d{1,10}$/.test(field.trim()) ? Number(field.trim()) : null;
}
