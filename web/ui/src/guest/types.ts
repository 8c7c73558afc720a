/** What the server says to guests (docs/wire.md, "Guests add pictures"), read from unknown JSON. */

import { list, localAddress, object, present, text, time, webAddress } from "../reading.js";
import { readUploads, type Uploads } from "../uploads.js";

export interface GuestWall {
  readonly slug: string;
  readonly title: string;
  /** Null where guests may add nothing. */
  readonly uploads: Uploads | null;
  /** How far the server's clock is ahead of this one, in milliseconds. */
  readonly ahead: number;
}

/** An address for one file, and what belongs to it. */
export interface Lease {
  readonly id: string;
  /** `direct`: the bytes go to the store itself, and `complete` is where to say that they are there. */
  readonly mode: "relay" | "direct";
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly complete: string | null;
  readonly receipt: string;
}

export const UPLOAD_STATES = [
  "leased",
  "receiving",
  "stored",
  "waiting",
  "later",
  "shown",
  "refused",
  "removed",
  "failed",
  "withdrawn",
  "aborted",
] as const;
export type UploadState = (typeof UPLOAD_STATES)[number];

/** What became of one file. */
export interface Upload {
  readonly id: string;
  readonly wall: string;
  readonly state: UploadState;
  /** The state in words for the guest. */
  readonly sentence: string;
  readonly reason: string | null;
  /** Nothing will change by itself any more. */
  readonly final: boolean;
  readonly name: string;
  readonly type: string;
  readonly caption: string;
  readonly created: number;
  readonly shownFrom: number | null;
  readonly thumbnail: string | null;
  readonly receipt: string | null;
}

/** How the server says no. */
export interface Refusal {
  readonly code: string;
  readonly sentence: string;
  /** With `already`: this guest's own upload of the same picture. */
  readonly upload: string | null;
}

const MAX_TEXT = 2_000;
const MAX_UPLOADS = 200;
const MAX_HEADERS = 32;

export function readWall(value: unknown): GuestWall | null {
  const fields = object(value);
  const slug = text(fields?.["slug"], 40);
  const title = text(fields?.["title"], MAX_TEXT);
  if (!slug || title === null) return null;
  return { slug, title, uploads: readUploads(fields?.["uploads"]), ahead: 0 };
}

export function readLease(value: unknown): Lease | null {
  const fields = object(value);
  const id = text(fields?.["id"], 64);
  const direct = fields?.["mode"] === "direct";
  const url = direct ? webAddress(fields?.["url"]) : localAddress(fields?.["url"]);
  const receipt = localAddress(fields?.["receipt"]);
  const complete = localAddress(fields?.["complete"]);
  if (fields === null || !id || url === null || receipt === null || (direct && complete === null))
    return null;
  const headers = Object.entries(object(fields["headers"]) ?? {}).slice(0, MAX_HEADERS);
  return {
    id,
    mode: direct ? "direct" : "relay",
    method: fields["method"] === "POST" ? "POST" : "PUT",
    url,
    headers: Object.fromEntries(headers.map(([name, content]) => [name, String(content)])),
    complete,
    receipt,
  };
}

export function readUpload(value: unknown): Upload | null {
  const fields = object(value);
  const id = text(fields?.["id"], 64);
  const state = UPLOAD_STATES.find((one) => one === fields?.["state"]);
  const created = time(fields?.["created"]);
  if (fields === null || !id || state === undefined || created === null) return null;
  return {
    id,
    wall: text(fields["wall"], 40) ?? "",
    state,
    sentence: text(fields["sentence"], MAX_TEXT) ?? "",
    reason: text(fields["reason"], MAX_TEXT),
    final: fields["final"] === true,
    name: text(fields["name"], MAX_TEXT) ?? "",
    type: text(fields["type"], 80) ?? "",
    caption: text(fields["caption"], MAX_TEXT) ?? "",
    created,
    shownFrom: time(fields["shown_from"]),
    thumbnail: localAddress(fields["thumbnail"]),
    receipt: localAddress(fields["receipt"]),
  };
}

export function readUploadList(value: unknown): readonly Upload[] | null {
  const fields = object(value);
  if (fields === null || !Array.isArray(fields["uploads"])) return null;
  return list(fields["uploads"], MAX_UPLOADS).map(readUpload).filter(present);
}

export function readRefusal(value: unknown): Refusal | null {
  const error = object(object(value)?.["error"]);
  const code = text(error?.["code"], 80);
  if (error === null || code === null) return null;
  const upload = text(error["upload"] ?? object(value)?.["upload"], 64);
  return { code, sentence: text(error["sentence"], MAX_TEXT) ?? "", upload };
}

/** `Retry-After` in milliseconds: seconds, or a date; null when it is neither. */
export function readRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const value = header.trim();
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isFinite(date) ? Math.max(0, date - now) : null;
}
