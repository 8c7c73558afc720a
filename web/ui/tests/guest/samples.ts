/** What the server says to guests, and files a guest has chosen, for tests. */

import { type Entry, START, type Step } from "../../src/guest/queue.js";
import type { Lease, Upload } from "../../src/guest/types.js";
import type { Uploads } from "../../src/uploads.js";

export const MB = 1024 * 1024;

export function uploads(fields: Partial<Uploads> = {}): Uploads {
  return {
    open: true,
    opens: null,
    closes: null,
    consent: "",
    nameRequired: false,
    video: true,
    imageBytes: 100 * MB,
    videoBytes: 4096 * MB,
    only: false,
    revealAt: null,
    types: ["image/jpeg", "image/png", "image/heic", "video/mp4", "video/quicktime"],
    link: null,
    ...fields,
  };
}

export function entry(id: number, step: Step = { at: "chosen" }, fields: Partial<Entry> = {}): Entry {
  return {
    id,
    name: `IMG_${id}.JPG`,
    size: 1_000,
    type: "image/jpeg",
    caption: "",
    attempts: 0,
    step,
    ...fields,
  };
}

export function waitingStep(until: number, fields: object = {}): Step {
  return { at: "waiting", until, sentence: null, from: START, asked: false, ...fields };
}

export function wireLease(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id,
    mode: "relay",
    method: "PUT",
    url: `/api/uploads/${id}/bytes/token`,
    headers: { "content-type": "image/jpeg" },
    lease: 30,
    complete: null,
    receipt: `/u/${id}#key=k`,
    ...fields,
  };
}

export function lease(id: string, fields: Partial<Lease> = {}): Lease {
  return {
    id,
    mode: "relay",
    method: "PUT",
    url: `/api/uploads/${id}/bytes/token`,
    headers: {},
    complete: null,
    receipt: `/u/${id}#key=k`,
    ...fields,
  };
}

export function wireUpload(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id,
    wall: "main",
    state: "waiting",
    sentence: "It waits for an operator's approval.",
    reason: null,
    final: false,
    name: "IMG_2041.JPG",
    type: "image/jpeg",
    size: 3_104_857,
    author: "Ada",
    caption: "At last!",
    created: "2026-11-21T20:14:03.120Z",
    changed: "2026-11-21T20:14:05.000Z",
    shown_from: null,
    post: "01KA",
    thumbnail: "/media/abc/thumbnail-320?until=1&signature=s",
    receipt: `/u/${id}#key=k`,
    ...fields,
  };
}

export function upload(id: string, fields: Partial<Upload> = {}): Upload {
  return {
    id,
    wall: "main",
    state: "waiting",
    sentence: "",
    reason: null,
    final: false,
    name: `${id}.JPG`,
    type: "image/jpeg",
    caption: "",
    created: 0,
    shownFrom: null,
    thumbnail: null,
    receipt: null,
    ...fields,
  };
}
