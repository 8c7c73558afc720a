/** What a chosen file is, and whether this wall takes it: pure. The server looks at the bytes; this saves a way. */

import type { Uploads } from "../uploads.js";

/** The part of a `File` that counts. */
export interface FileFacts {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

// What browsers give no type for, or one of their own.
const TYPE_OF_ENDING: Readonly<Record<string, string>> = {
  heic: "image/heic",
  heif: "image/heif",
  avif: "image/avif",
  webp: "image/webp",
  png: "image/png",
  gif: "image/gif",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  mp4: "video/mp4",
  m4v: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
};

const TYPE_NAMES: Readonly<Record<string, string>> = {
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "image/gif": "GIF",
  "image/webp": "WebP",
  "image/avif": "AVIF",
  "image/heic": "HEIC",
  "image/heif": "HEIC",
  "video/mp4": "MP4",
  "video/quicktime": "MOV",
  "video/webm": "WebM",
};

export function typeOf(file: FileFacts): string {
  if (file.type) return file.type.toLowerCase();
  const ending = /\.([a-z0-9]+)$/i.exec(file.name)?.[1]?.toLowerCase() ?? "";
  return TYPE_OF_ENDING[ending] ?? "";
}

export function isVideo(file: FileFacts): boolean {
  return typeOf(file).startsWith("video/");
}

/** Why this wall will not take a file, in a sentence; null when it may. */
export function refusalOf(file: FileFacts, uploads: Uploads): string | null {
  if (file.size === 0) return "This file is empty.";
  const type = typeOf(file);
  const video = type.startsWith("video/");
  if (video && !uploads.video) return "This wall takes pictures, no videos.";
  if (type !== "" && uploads.types.length > 0 && !takes(uploads.types, type))
    return `This wall can't show files of this kind. It takes ${kindsOf(uploads)}.`;
  const limit = video ? uploads.videoBytes : uploads.imageBytes;
  if (file.size <= limit) return null;
  const what = video ? "videos" : "pictures";
  return `This file has ${sizeWord(file.size)}; this wall takes ${what} of up to ${sizeWord(limit)}.`;
}

/** What the browser's file chooser should offer. */
export function acceptOf(uploads: Uploads): string {
  const types = uploads.types.filter((type) => uploads.video || !type.startsWith("video/"));
  if (types.length === 0) return uploads.video ? "image/*,video/*" : "image/*";
  // Some choosers know HEIC and QuickTime by the ending only.
  const endings = Object.entries(TYPE_OF_ENDING)
    .filter(([ending, type]) => ["heic", "heif", "mov"].includes(ending) && types.includes(type))
    .map(([ending]) => `.${ending}`);
  return [...types, ...endings].join(",");
}

/** `JPEG, PNG, HEIC, MP4 and MOV`: what this wall takes. */
export function kindsOf(uploads: Uploads): string {
  const types = uploads.types.filter((type) => uploads.video || !type.startsWith("video/"));
  const names = [...new Set(types.flatMap((type) => TYPE_NAMES[type] ?? []))];
  if (names.length < 2) return names[0] ?? (uploads.video ? "pictures and videos" : "pictures");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** `840 KB`, `3.1 MB`, `4 GB`: in steps of 1,024, as the operator sets the limits. */
export function sizeWord(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_023.5 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit > 1 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits).replace(/\.0$/, "")} ${UNITS[unit]}`;
}

function takes(types: readonly string[], type: string): boolean {
  // What phones call the same thing.
  const alike: Readonly<Record<string, string>> = { "image/jpg": "image/jpeg", "video/x-m4v": "video/mp4" };
  return types.includes(type) || types.includes(alike[type] ?? "");
}
