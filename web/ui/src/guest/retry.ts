/**
 * What to do when sending a file did not work (docs/wire.md, "Guests add pictures"): pure.
 *
 * What may work later is tried again by itself: after the time the server asks for, else after a pause that doubles,
 * with jitter, so that a hall full of phones does not come back in one moment. What can't work says why and stops.
 */

import { type From, START, WHEN } from "./queue.js";
import type { Lease } from "./types.js";

export type During = "ask" | "send" | "complete" | "look";

export type Failure =
  /** No answer: the connection failed, broke or stood still. */
  | {
      readonly kind: "broken";
      readonly during: During;
      readonly lease: Lease | null;
      readonly online: boolean;
    }
  /** The file itself can't be read any more: moved, deleted, changed. */
  | { readonly kind: "unreadable" }
  /** The server is at work on what came. */
  | { readonly kind: "working"; readonly from: From }
  | {
      readonly kind: "answer";
      readonly during: During;
      readonly lease: Lease | null;
      readonly status: number;
      readonly code: string;
      readonly sentence: string;
      /** With `already`: this guest's own upload. */
      readonly upload: string | null;
      /** Milliseconds. */
      readonly retryAfter: number | null;
    };

export type Verdict =
  | {
      readonly do: "wait";
      readonly ms: number;
      readonly sentence: string;
      readonly from: From;
      /** It counts towards `MOST_ATTEMPTS`. */
      readonly counted: boolean;
      /** The server asked for the pause. */
      readonly asked: boolean;
      /** The way to the store itself seems to be closed to this browser: ask for the way through the server. */
      readonly around?: true;
    }
  | {
      readonly do: "stop";
      readonly sentence: string;
      readonly again: boolean;
      readonly around?: true;
    };

/** Pauses double from one second to a minute (docs/wire.md). */
export const FIRST_PAUSE_MS = 1_000;
export const LONGEST_PAUSE_MS = 60_000;
/** A server that asks for more than this is asked anyway. */
const LONGEST_ASKED_MS = 120_000;
/** Failures in a row after which the guest decides; at the pauses above, a quarter of an hour. */
export const MOST_ATTEMPTS = 20;
/** A store that lets this page send nothing, or a network that leads nowhere else, looks like a break each time. */
export const MOST_DIRECT = 3;
/** Other bytes than promised, twice: the file is being written by somebody. */
const MOST_MISMATCHES = 2;

const MOVED = "This file can't be read any more. Choose it again.";
const TROUBLE = "The connection broke.";
const TAKING = "The store is still taking it in.";

/** `attempts`: failures of this file in a row before this one. `random`: uniform in 0..1. */
export function judge(failure: Failure, attempts: number, random: number): Verdict {
  if (failure.kind === "unreadable") return { do: "stop", sentence: MOVED, again: false };
  if (failure.kind === "working") return later(attempts, random, TAKING, failure.from);
  if (failure.kind === "broken") {
    if (!failure.online) {
      const sentence = "Waiting for the network.";
      return { ...wait(LONGEST_PAUSE_MS, sentence, afterBreak(failure)), counted: false };
    }
    if (failure.during === "send" && failure.lease?.mode === "direct" && attempts >= MOST_DIRECT)
      return { ...later(attempts, random, TROUBLE, START), around: true };
    return later(attempts, random, TROUBLE, afterBreak(failure));
  }
  const { status, code, sentence, during, lease } = failure;
  if (code === "already" && failure.upload !== null)
    return wait(0, "Looking whether it is there already.", look(failure.upload));
  if (status === 503 || status === 429) return busy(failure, attempts, random);
  if (during === "complete" && code === "missing" && lease)
    return later(attempts, random, TAKING, { at: "complete", lease });
  if (during === "send" || during === "complete") {
    if (code === "used" && lease) {
      // Sent anew while it is still being completed it would be there twice: nobody knows its hash.
      const from: From = during === "complete" ? { ...look(lease.id), till: "done" } : look(lease.id);
      return wait(0, "Looking whether it is there.", from);
    }
    if (code === "length" || code === "hash")
      return attempts < MOST_MISMATCHES
        ? later(attempts, random, "It did not arrive whole.", START)
        : { do: "stop", sentence: "This file changes while it is sent. Choose it again.", again: false };
    if (status === 404 || status === 410) return later(attempts, random, "Its turn was over.", START);
    if (status === 408) return later(attempts, random, "The network is slow here.", START);
    // A store's own refusal of a signed address: a new address may do.
    if (lease?.mode === "direct" && during === "send" && status < 500)
      return later(attempts, random, TROUBLE, START);
  }
  if (during === "look") return later(attempts, random, TROUBLE, START);
  if (status >= 500) return later(attempts, random, "Something went wrong at the wall.", afterBreak(failure));
  return { do: "stop", sentence: sentence || whyNot(status), again: mayChange(code) };
}

/** When the server did not say it in words of its own. */
export function whyNot(status: number): string {
  switch (status) {
    case 403:
      return "This wall takes no pictures now.";
    case 404:
      return "There is no such wall. Scan its code again.";
    case 409:
      return "This picture is on the wall already.";
    case 413:
      return "This file is too large for this wall.";
    case 415:
      return "This wall can't show files of this kind.";
    default:
      return "The wall did not take this file.";
  }
}

function busy(failure: Failure & { readonly kind: "answer" }, attempts: number, random: number): Verdict {
  const asked = Math.min(failure.retryAfter ?? 0, LONGEST_ASKED_MS);
  // Up to a third more than asked for: all who were told the same come at different moments.
  const ms = Math.max(asked * (1 + random / 3), asked === 0 ? pause(attempts, random) : 0);
  const { lease, during } = failure;
  const sameAddress =
    lease !== null &&
    (failure.code === "busy" || lease.mode === "direct") &&
    (during === "send" || during === "complete");
  const from: From =
    during === "complete" && lease ? { at: "complete", lease } : sameAddress ? { at: "send", lease } : START;
  const sentence = `Many pictures are coming in. Yours goes on ${WHEN}.`;
  // Who is told to wait is not failing: it goes on for as long as the server says so.
  return { ...wait(ms, sentence, from), counted: false, asked: true };
}

function later(attempts: number, random: number, why: string, from: From): Verdict {
  if (attempts >= MOST_ATTEMPTS)
    return { do: "stop", sentence: `${why} It was tried ${attempts} times.`, again: true };
  const ms = pause(attempts, random);
  return wait(ms, `${why} Trying again ${WHEN}.`, from);
}

function wait(ms: number, sentence: string, from: From): Verdict & { readonly do: "wait" } {
  return { do: "wait", ms, sentence, from, counted: true, asked: false };
}

/** Half of it is certain, half is jitter. */
function pause(attempts: number, random: number): number {
  const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 16));
  return whole / 2 + (whole / 2) * random;
}

/** Where the bytes were on their way, all may have arrived although nobody said so. */
function afterBreak(failure: { readonly during: During; readonly lease: Lease | null }): From {
  const { during, lease } = failure;
  if (lease === null) return START;
  if (during === "complete") return { at: "complete", lease };
  // The store takes it at the same address again; a new one would be one more that nobody else can have.
  if (during === "send" && lease.mode === "direct") return { at: "send", lease };
  return during === "send" ? look(lease.id) : START;
}

function look(id: string): From & { readonly at: "look" } {
  return { at: "look", id };
}

/** What the guest can do something about, or time may. */
function mayChange(code: string): boolean {
  return ["early", "over", "off", "consent", "name", "quota", "guest", "request"].includes(code);
}
