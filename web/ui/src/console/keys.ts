/** Which key means what. Pure, so that the table on screen and the behaviour are one thing. */
import type { ActionKind, State } from "./types.js";

export type Command =
  | { readonly do: "step"; readonly by: 1 | -1 }
  | { readonly do: "row"; readonly by: 1 | -1 }
  | { readonly do: "edge"; readonly to: "first" | "last" }
  | { readonly do: "act"; readonly kind: ActionKind }
  | { readonly do: "undo" }
  | { readonly do: "view"; readonly state: State }
  | { readonly do: "wall"; readonly by: 1 | -1 }
  | { readonly do: "add-search" }
  | { readonly do: "guests" }
  | { readonly do: "policy" }
  | { readonly do: "keys" }
  | { readonly do: "open" }
  | { readonly do: "similar" }
  | { readonly do: "picture"; readonly by: 1 | -1 }
  | { readonly do: "close" };

export interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

export const VIEW_KEYS: Readonly<Record<State, string>> = {
  pending: "1",
  approved: "2",
  rejected: "3",
  removed: "4",
  failed: "5",
  received: "6",
};

export const ACTION_KEYS: Readonly<Record<ActionKind, string>> = {
  approve: "A",
  reject: "R",
  remove: "X",
  restore: "U",
  retry: "T",
};

const COMMANDS: Readonly<Record<string, Command>> = {
  j: { do: "step", by: 1 },
  k: { do: "step", by: -1 },
  ArrowRight: { do: "step", by: 1 },
  ArrowLeft: { do: "step", by: -1 },
  ArrowDown: { do: "row", by: 1 },
  ArrowUp: { do: "row", by: -1 },
  Home: { do: "edge", to: "first" },
  End: { do: "edge", to: "last" },
  a: { do: "act", kind: "approve" },
  r: { do: "act", kind: "reject" },
  x: { do: "act", kind: "remove" },
  t: { do: "act", kind: "retry" },
  u: { do: "undo" },
  s: { do: "similar" },
  "1": { do: "view", state: "pending" },
  "2": { do: "view", state: "approved" },
  "3": { do: "view", state: "rejected" },
  "4": { do: "view", state: "removed" },
  "5": { do: "view", state: "failed" },
  "6": { do: "view", state: "received" },
  "[": { do: "wall", by: -1 },
  "]": { do: "wall", by: 1 },
  "/": { do: "add-search" },
  o: { do: "policy" },
  g: { do: "guests" },
  "?": { do: "keys" },
  Enter: { do: "open" },
  ".": { do: "picture", by: 1 },
  ",": { do: "picture", by: -1 },
  Escape: { do: "close" },
};

/** The command behind a key, or null. `typing`: the key goes into a field, so only Escape is ours. */
export function commandOf(key: Key, typing: boolean): Command | null {
  if (key.ctrlKey || key.metaKey || key.altKey) return null;
  if (typing && key.key !== "Escape") return null;
  // a caps lock should not stop the work
  const name = key.key.length === 1 ? key.key.toLowerCase() : key.key;
  return COMMANDS[name] ?? null;
}

/** The table behind `?`, in the order people need it. */
export const KEY_TABLE: readonly {
  readonly title: string;
  readonly rows: readonly (readonly [string[], string])[];
}[] = [
  {
    title: "Move",
    rows: [
      [["J", "K"], "Next and previous post"],
      [["←", "→", "↑", "↓"], "Around the grid"],
      [[",", "."], "Pictures of the post"],
      [["S"], "The post with the same picture, and back"],
      [["1", "–", "6"], "Pending to arriving"],
      [["[", "]"], "Previous and next wall"],
    ],
  },
  {
    title: "Decide",
    rows: [
      [["A"], "Approve"],
      [["R"], "Reject"],
      [["X"], "Remove from the wall"],
      [["U"], "Undo, or restore what was removed"],
      [["T"], "Try a failed post again"],
    ],
  },
  {
    title: "Set up",
    rows: [
      [["/"], "Add a search"],
      [["O"], "Switch between open and hold"],
      [["G"], "What guests may add"],
      [["?"], "These keys"],
      [["Esc"], "Close"],
    ],
  },
];
