/** Sentences of the pages for guests. */

import type { Uploads } from "../uploads.js";
import { sizeWord } from "./files.js";
import { type Entry, type Progress, WHEN } from "./queue.js";
import type { UploadState } from "./types.js";

export const STATE_WORDS: Readonly<Record<UploadState, string>> = {
  leased: "Not here yet",
  receiving: "Coming in",
  stored: "Being prepared",
  waiting: "Waiting for approval",
  later: "Shown later",
  shown: "On the wall",
  refused: "Not shown",
  removed: "Taken off the wall",
  failed: "Can’t be shown",
  withdrawn: "Withdrawn",
  aborted: "Did not arrive",
};

const NOTHING_TO_WITHDRAW: ReadonlySet<UploadState> = new Set([
  "leased",
  "receiving",
  "aborted",
  "withdrawn",
]);

/** Whether there is anything left to withdraw: also of what is not shown there are bytes. */
export function mayWithdraw(state: UploadState): boolean {
  return !NOTHING_TO_WITHDRAW.has(state);
}

/** `in 8 s`, `in 2 min`, `now`. */
export function inSeconds(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 1) return "now";
  return seconds < 90 ? `in ${seconds} s` : `in ${Math.round(seconds / 60)} min`;
}

/** What a row says under the name of its file, at the moment `now`. */
export function stepWords(entry: Entry, now: number): string {
  const { step, size } = entry;
  switch (step.at) {
    case "chosen":
      return sizeWord(size);
    case "waiting":
      return step.sentence?.replace(WHEN, inSeconds(step.until - now)) ?? "Waiting for its turn";
    case "asking":
      return "Starting";
    case "sending":
      return `${sizeWord(Math.min(step.sent, size))} of ${sizeWord(size)}`;
    case "confirming":
      return "Almost there";
    case "added":
      return STATE_WORDS[step.upload.state];
    case "refused":
      return step.sentence;
  }
}

/** The one sentence about all files, for eyes and for screen readers. */
export function progressWords(progress: Progress): string {
  const { open, added, refused } = progress;
  if (open > 0) return `Adding ${added + 1} of ${added + open}`;
  if (added === 0) return refused > 0 ? `${files(refused)} could not be added` : "";
  const rest = refused > 0 ? ` ${files(refused)} could not.` : "";
  return `${files(added)} ${added === 1 ? "was" : "were"} added.${rest}`;
}

/** `3 pictures`, `1 video`, `4 files` where there are both. */
export function countWords(count: number, videos: number): string {
  const one = videos === 0 ? "picture" : videos === count ? "video" : "file";
  return count === 1 ? `1 ${one}` : `${count} ${one}s`;
}

function files(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

/** What happens with what was added. */
export function nextWords(states: readonly UploadState[], uploads: Uploads | null, locale?: string): string {
  if (uploads?.revealAt != null)
    return `What guests add is shown from ${momentWord(uploads.revealAt, locale)} on.`;
  if (states.includes("waiting"))
    return "Waiting for approval. An operator looks first, then it appears on the wall.";
  if (states.includes("stored") || states.includes("receiving"))
    return "Being prepared. “Your pictures” says when it is on the wall.";
  if (states.includes("shown")) return "On the wall now.";
  return "“Your pictures” says what becomes of it.";
}

/** Why nothing can be added now; null while it can. `now` is the server's clock. */
export function closedWords(uploads: Uploads | null, now: number, locale?: string): string | null {
  if (uploads === null) return "Guests can’t add pictures to this wall.";
  if (uploads.opens !== null && now < uploads.opens)
    return `This wall takes pictures from ${momentWord(uploads.opens, locale)} on.`;
  if (uploads.closes !== null && now >= uploads.closes)
    return `This wall took pictures until ${momentWord(uploads.closes, locale)}.`;
  return uploads.opens === null && uploads.closes === null && !uploads.open
    ? "This wall takes no pictures now."
    : null;
}

/** `Saturday, 21 November, 18:00`, in the reader's own time and words. */
export function momentWord(moment: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, {
    weekday: "long",
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
  }).format(moment);
}
