/** Words for states, deeds and times. */
import type { ActionKind, Policy, State } from "./types.js";

export const STATE_WORDS: Readonly<Record<State, string>> = {
  pending: "Pending",
  approved: "Approved",
  rejected: "Rejected",
  removed: "Removed",
  failed: "Failed",
  received: "Arriving",
};

export const ACTION_WORDS: Readonly<Record<ActionKind, string>> = {
  approve: "Approve",
  reject: "Reject",
  remove: "Remove",
  restore: "Restore",
  retry: "Try again",
};

export const PAST_WORDS: Readonly<Record<ActionKind, string>> = {
  approve: "approved",
  reject: "rejected",
  remove: "removed",
  restore: "restored",
  retry: "tried again",
};

export const POLICY_WORDS: Readonly<Record<Policy, string>> = {
  open: "New posts appear on the wall at once.",
  hold: "New posts wait here until you approve them.",
};

const NETWORKS: Readonly<Record<string, string>> = { x: "X", demo: "Demo", folder: "Folder" };

export function networkWord(network: string): string {
  return NETWORKS[network] ?? network.charAt(0).toUpperCase() + network.slice(1);
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, short: `now`, `40 s`, `12 min`, `3 h`, `2 d`. `now` in milliseconds. */
export function ago(moment: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(moment)) / 1000));
  if (seconds < 5) return "now";
  if (seconds < MINUTE) return `${seconds - (seconds % 5)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** `ago` as part of a sentence: `just now`, `12 min ago`. */
export function since(moment: string, now: number): string {
  const short = ago(moment, now);
  return short === "now" ? "just now" : `${short} ago`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The whole date and time, for titles. */
export function fullTime(moment: string): string {
  return CLOCK.format(new Date(moment));
}

export function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** Counts that must not push a column wider: 12,345 becomes 12k. */
export function shortCount(count: number): string {
  if (count < 10_000) return count.toLocaleString();
  return count < 1_000_000 ? `${Math.floor(count / 1000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}
