/**
 * What a wall shows, as a pure function of the events and snapshots heard so far.
 *
 * The promises (docs/invariants.md 2, 3, 4), whatever is lost, repeated or out of order:
 * - `cursor` says that everything up to it is applied. What arrives beyond a hole is held until the hole is filled;
 *   only removals are applied at once, and remembered, so that nothing older brings a post back.
 * - Of two events about one post the higher seq decides. Anything at or below the cursor changes nothing.
 * - An event of a newer epoch asks for a new snapshot; one of an older epoch is ignored.
 * - Everything here is bounded. What does not fit is forgotten together with the knowledge that we are complete, so
 *   that `need` asks for it again.
 */

import type { Cursor, Post, Snapshot, WallEvent, WallView } from "./types.js";

/** A post on the wall: `seq` of the event that made it so, `rank` orders posts (higher is newer). */
export interface Shown {
  readonly post: Post;
  readonly seq: number;
  readonly rank: number;
  /** When the event was written, by the server's clock; null for posts known from a snapshot only. */
  readonly at: number | null;
}

export interface WallState {
  /** Null until the first snapshot. */
  readonly cursor: Cursor | null;
  /** The highest seq of this epoch known to exist. */
  readonly head: number;
  /** Nothing less than a snapshot at or above this seq makes us complete again. */
  readonly floor: number;
  /** Somebody said that something is missing before what came last. */
  readonly gap: boolean;
  /** The catalogue may have older posts than we keep. */
  readonly deep: boolean;
  readonly view: WallView | null;
  readonly posts: ReadonlyMap<string, Shown>;
  /** Removals beyond the cursor, by post: the seq of the latest. */
  readonly removed: ReadonlyMap<string, number>;
  /** Events beyond the cursor, by seq. */
  readonly held: ReadonlyMap<number, WallEvent>;
  /** Events of an epoch newer than the cursor's, until a snapshot of it is there. */
  readonly next: { readonly epoch: string; readonly held: ReadonlyMap<number, WallEvent> } | null;
}

export type Need = "nothing" | "repair" | "snapshot";

/** The snapshot's own size (ARCHITECTURE §4); a page shows at most 60 of them. */
export const MAX_POSTS = 200;
/** Below this many posts, older ones are fetched if the catalogue may have some. */
export const MIN_POSTS = 60;
/** One `events` answer: what is further behind than that takes a snapshot anyway. */
export const MAX_HELD = 500;
/** Removals remembered beyond the cursor: five full transactions of 100 posts for each held event is far above it. */
export const MAX_REMOVED = 20_000;

export const EMPTY: WallState = {
  cursor: null,
  head: 0,
  floor: 0,
  gap: false,
  deep: false,
  view: null,
  posts: new Map(),
  removed: new Map(),
  held: new Map(),
  next: null,
};

/** What must be fetched before this state can be called complete. */
export function need(state: WallState): Need {
  if (state.cursor === null || state.next !== null || state.floor > state.cursor.seq) return "snapshot";
  if (state.deep && state.posts.size < MIN_POSTS) return "snapshot";
  return state.gap || state.head > state.cursor.seq ? "repair" : "nothing";
}

/** The posts, newest first. */
export function newestFirst(state: WallState): Shown[] {
  return [...state.posts.values()].sort((a, b) => b.rank - a.rank);
}

/** Applies one event, from the topic or from the log. */
export function applyEvent(state: WallState, event: WallEvent): WallState {
  if (state.cursor === null || event.epoch > state.cursor.epoch) return keepForLater(state, event);
  if (event.epoch < state.cursor.epoch) return state;
  const head = Math.max(state.head, event.seq);
  if (event.kind === "head") return head === state.head ? state : { ...state, head };
  if (event.seq <= state.cursor.seq) return state;

  let next: WallState = { ...state, head };
  if (event.kind === "removed") next = removeNow(next, event.postIds, event.seq);
  if (next.cursor === null) return next;
  if (event.seq > next.cursor.seq + 1 && next.held.size >= MAX_HELD) {
    return { ...next, held: new Map(), floor: head };
  }
  const held = new Map(next.held).set(event.seq, event);
  return settle({ ...next, held });
}

/** Applies a snapshot. One that is older than what we have changes nothing. */
export function applySnapshot(state: WallState, snapshot: Snapshot): WallState {
  const { epoch, seq } = snapshot.cursor;
  const sameEpoch = state.cursor?.epoch === epoch;
  if (state.cursor !== null && (epoch < state.cursor.epoch || (sameEpoch && seq < state.cursor.seq)))
    return state;

  let held: ReadonlyMap<number, WallEvent> = new Map();
  if (sameEpoch) held = state.held;
  else if (state.next?.epoch === epoch) held = state.next.held;
  const later = [...held.values()].filter((event) => event.seq > seq);
  const removed = new Map(sameEpoch ? [...state.removed].filter(([, at]) => at > seq) : []);
  const posts = new Map<string, Shown>();
  snapshot.posts.slice(0, MAX_POSTS).forEach((post, index) => {
    if (removed.has(post.id)) return;
    const known = sameEpoch ? state.posts.get(post.id) : undefined;
    posts.set(post.id, { post, seq, rank: seq - index, at: known?.at ?? null });
  });
  const fresh: WallState = {
    cursor: snapshot.cursor,
    head: Math.max(seq, sameEpoch ? state.head : 0),
    floor: sameEpoch ? state.floor : 0,
    gap: false,
    deep: snapshot.posts.length >= MAX_POSTS,
    view: snapshot.wall,
    posts,
    removed,
    held: new Map(),
    next: state.next !== null && state.next.epoch > epoch ? state.next : null,
  };
  return later.reduce(applyEvent, fresh);
}

/** Notes that something is missing before what arrived last (the relay's `gap:true`). */
export function noteGap(state: WallState): WallState {
  return state.gap ? state : { ...state, gap: true };
}

/**
 * Notes that nothing between `follows` and `seq` matters any more: the relay left it out for us, because we were slow
 * and later events supersede it. Whoever does not have everything up to `follows` has a hole as ever.
 */
export function noteSkip(state: WallState, epoch: string, follows: number, seq: number): WallState {
  const { cursor } = state;
  if (cursor === null || cursor.epoch !== epoch || cursor.seq < follows || cursor.seq >= seq - 1)
    return state;
  const held = new Map([...state.held].filter(([at]) => at >= seq));
  return { ...state, cursor: { epoch, seq: seq - 1 }, head: Math.max(state.head, seq - 1), held };
}

/** Applies the log's answer to a question about everything after `asked`, and forgets the gap it answered. */
export function applyRepair(state: WallState, events: readonly WallEvent[]): WallState {
  return events.reduce(applyEvent, { ...state, gap: false });
}

function keepForLater(state: WallState, event: WallEvent): WallState {
  if (state.next !== null && event.epoch < state.next.epoch) return state;
  const held = new Map(state.next?.epoch === event.epoch ? state.next.held : []);
  if (event.kind !== "head" && held.size < MAX_HELD) held.set(event.seq, event);
  const next = { epoch: event.epoch, held };
  if (event.kind !== "removed") return { ...state, next };
  const posts = new Map(state.posts);
  for (const id of event.postIds) posts.delete(id);
  return { ...state, posts, next };
}

function removeNow(state: WallState, ids: readonly string[], seq: number): WallState {
  const posts = new Map(state.posts);
  const removed = new Map(state.removed);
  for (const id of ids) {
    const shown = posts.get(id);
    if (shown && shown.seq < seq) posts.delete(id);
    removed.set(id, Math.max(seq, removed.get(id) ?? 0));
  }
  // Too many to remember: showing nothing until a snapshot is there is the only safe answer.
  if (removed.size > MAX_REMOVED) return { ...EMPTY, view: state.view };
  return { ...state, posts, removed };
}

/** Applies what is held for as long as there is no hole. */
function settle(state: WallState): WallState {
  if (state.cursor === null) return state;
  const { epoch } = state.cursor;
  let { seq } = state.cursor;
  let view = state.view;
  const held = new Map(state.held);
  const posts = new Map(state.posts);
  for (let event = held.get(seq + 1); event !== undefined; event = held.get(seq + 1)) {
    seq = event.seq;
    held.delete(seq);
    if (event.kind === "wall") view = event.view;
    if (event.kind !== "published" && event.kind !== "updated") continue;
    const known = posts.get(event.post.id);
    if ((state.removed.get(event.post.id) ?? 0) > seq || (known && known.seq >= seq)) continue;
    posts.set(event.post.id, { post: event.post, seq, rank: rankOf(event, known, posts), at: event.at });
  }
  if (seq === state.cursor.seq) return state;
  const removed = new Map([...state.removed].filter(([, at]) => at > seq));
  return trim({ ...state, cursor: { epoch, seq }, held, posts, removed, view });
}

function rankOf(event: WallEvent, known: Shown | undefined, posts: ReadonlyMap<string, Shown>): number {
  if (known) return known.rank;
  if (event.kind === "published") return event.seq;
  // An edit of a post from before our time is old news: it goes to the end, not to the top.
  let lowest = event.seq;
  for (const shown of posts.values()) lowest = Math.min(lowest, shown.rank - 1);
  return lowest;
}

function trim(state: WallState): WallState {
  if (state.posts.size <= MAX_POSTS) return state;
  const kept = newestFirst(state).slice(0, MAX_POSTS);
  return { ...state, deep: true, posts: new Map(kept.map((shown) => [shown.post.id, shown])) };
}
