/**
 * What operators may do to a post, and how each deed is undone (wall/states.py says which moves exist).
 *
 * There is no way back to `pending`. So a deed whose result nobody waits for (rejecting, or removing what is not on
 * the wall) is kept in the browser for some seconds, where undoing it costs nothing. What viewers see changes at
 * once, and is undone by the opposite deed.
 */
import type { ActionKind, Post, State } from "./types.js";

export const HOLD_MILLISECONDS = 5_000;

const FROM: Readonly<Record<ActionKind, readonly State[]>> = {
  approve: ["pending", "rejected"],
  reject: ["pending"],
  remove: ["pending", "approved", "rejected", "failed", "received"],
  restore: ["removed"],
  retry: ["failed"],
};

const TO: Readonly<Record<ActionKind, State>> = {
  approve: "approved",
  reject: "rejected",
  remove: "removed",
  restore: "approved",
  retry: "received",
};

export function mayDo(kind: ActionKind, post: Post): boolean {
  return FROM[kind].includes(post.state);
}

export function actionsOf(post: Post): readonly ActionKind[] {
  return (["approve", "reject", "restore", "retry", "remove"] as const).filter((kind) => mayDo(kind, post));
}

export function resultOf(kind: ActionKind): State {
  return TO[kind];
}

/** Whether a deed waits in the browser, so that undoing it leaves no trace. */
export function waits(kind: ActionKind, post: Post): boolean {
  return kind === "reject" || (kind === "remove" && !post.shown);
}

/** The deed that undoes one that was done, or null where there is none. */
export function oppositeOf(kind: ActionKind, before: Post): ActionKind | null {
  if (kind === "approve" || kind === "restore") return "remove";
  if (kind === "remove" && before.state === "approved") return "restore";
  return null;
}
