/** What the console knows and shows, and how it changes. Pure: no clock, no network, no DOM. */
import { oppositeOf, waits } from "./moves.js";
import type { ActionKind, HintKind, Overview, Post, PostPage, Search, State, Story, Wall } from "./types.js";

export const PAGE_POSTS = 60;
const NOTICES = 3;

/** A deed that is under way: kept in the browser (`held`), or sent and not answered yet. */
export interface Deed {
  readonly id: number;
  readonly kind: ActionKind;
  /** The post as the operator saw it. */
  readonly post: Post;
  readonly held: boolean;
  /** It takes an earlier deed back, and offers no undo of its own. */
  readonly undoes: boolean;
}

/** A deed that was done and can be undone by its opposite. */
export interface Undo {
  readonly kind: ActionKind;
  readonly post: Post;
}

export interface Notice {
  readonly id: number;
  readonly tone: "done" | "problem";
  readonly title: string;
  readonly detail: string;
  /** The deed it is about, while that is held. */
  readonly deed: number | null;
  readonly undo: Undo | null;
  /** A search that was removed and can be added again. */
  readonly search: Search | null;
  /** A post to look at. */
  readonly show: string | null;
}

export interface Problem {
  readonly code: string;
  readonly sentence: string;
}

export interface Model {
  readonly phase: "starting" | "ready" | "signed-out";
  readonly live: "connecting" | "live" | "lost";
  readonly overview: Overview | null;
  readonly searches: readonly Search[] | null;
  readonly problem: Problem | null;
  readonly wall: string | null;
  readonly view: State;
  /** Null while they are read for the first time. */
  readonly posts: readonly Post[] | null;
  readonly next: string | null;
  readonly more: boolean;
  readonly selected: string | null;
  /** The post from which the selected one was visited, because their pictures look the same. */
  readonly from: string | null;
  readonly story: Story | null;
  readonly picture: number;
  readonly deeds: readonly Deed[];
  readonly notices: readonly Notice[];
  readonly dialog: "add-search" | "guests" | "keys" | null;
  /** On narrow screens: the post, or the left column, over the work. */
  readonly over: "post" | "left" | null;
}

export const START: Model = {
  phase: "starting",
  live: "connecting",
  overview: null,
  searches: null,
  problem: null,
  wall: null,
  view: "pending",
  posts: null,
  next: null,
  more: false,
  selected: null,
  from: null,
  story: null,
  picture: 0,
  deeds: [],
  notices: [],
  dialog: null,
  over: null,
};

export type Change =
  | { readonly type: "overview"; readonly overview: Overview }
  | { readonly type: "searches"; readonly searches: readonly Search[] }
  | { readonly type: "page"; readonly wall: string; readonly view: State; readonly page: PostPage }
  | { readonly type: "more"; readonly wall: string; readonly view: State; readonly page: PostPage }
  | { readonly type: "reading-more" }
  | { readonly type: "story"; readonly story: Story }
  | { readonly type: "problem"; readonly problem: Problem | null }
  | { readonly type: "live"; readonly live: Model["live"] }
  | { readonly type: "signed-out" }
  | { readonly type: "wall"; readonly slug: string }
  | { readonly type: "view"; readonly view: State }
  | { readonly type: "select"; readonly id: string | null }
  | { readonly type: "visit"; readonly story: Story }
  | { readonly type: "step"; readonly by: number }
  | { readonly type: "picture"; readonly index: number }
  | { readonly type: "begin"; readonly deed: Deed }
  | { readonly type: "sent"; readonly id: number }
  | { readonly type: "done"; readonly id: number; readonly post: Post }
  | { readonly type: "cancelled"; readonly id: number }
  | { readonly type: "failed"; readonly id: number }
  | { readonly type: "notice"; readonly notice: Notice }
  | { readonly type: "dismiss"; readonly id: number }
  | { readonly type: "dialog"; readonly dialog: Model["dialog"] }
  | { readonly type: "over"; readonly over: Model["over"] };

export function reduce(model: Model, change: Change): Model {
  switch (change.type) {
    case "overview":
      return withOverview(model, change.overview);
    case "searches":
      return { ...model, searches: change.searches };
    case "page":
      if (change.wall !== model.wall || change.view !== model.view) return model;
      return withSelection({
        ...model,
        posts: change.page.posts,
        next: change.page.next,
        more: false,
        problem: null,
      });
    case "more":
      if (change.wall !== model.wall || change.view !== model.view || model.posts === null) return model;
      return {
        ...model,
        posts: joined(model.posts, change.page.posts),
        next: change.page.next,
        more: false,
      };
    case "reading-more":
      return { ...model, more: true };
    case "story":
      return change.story.post.id === model.selected ? { ...model, story: change.story } : model;
    case "problem":
      return { ...model, problem: change.problem, more: false };
    case "live":
      return { ...model, live: change.live };
    case "signed-out":
      return { ...START, phase: "signed-out" };
    case "wall":
      return change.slug === model.wall ? model : emptied({ ...model, wall: change.slug });
    case "view":
      return change.view === model.view ? model : emptied({ ...model, view: change.view });
    case "select":
      return select(model, change.id);
    case "visit":
      return visit(model, change.story);
    case "step":
      return step(model, change.by);
    case "picture":
      return { ...model, picture: change.index };
    case "begin":
      return begin(model, change.deed);
    case "sent":
      return {
        ...model,
        deeds: model.deeds.map((deed) => (deed.id === change.id ? { ...deed, held: false } : deed)),
        notices: model.notices.filter((notice) => notice.deed !== change.id),
      };
    case "done":
      return done(model, change.id, change.post);
    case "cancelled":
    case "failed":
      return giveUp(model, change.id, change.type === "cancelled");
    case "notice":
      return { ...model, notices: [...model.notices, change.notice].slice(-NOTICES) };
    case "dismiss":
      return { ...model, notices: model.notices.filter((notice) => notice.id !== change.id) };
    case "dialog":
      return { ...model, dialog: change.dialog };
    case "over":
      return { ...model, over: change.over };
  }
}

/** The posts to show: those of the view without what is on its way out of it. */
export function visible(model: Model): readonly Post[] {
  if (model.posts === null) return [];
  const leaving = new Set(model.deeds.filter((deed) => deed.kind !== "retry").map((deed) => deed.post.id));
  return leaving.size === 0 ? model.posts : model.posts.filter((post) => !leaving.has(post.id));
}

/** The wall that is looked at. */
export function wallOf(model: Model): Wall | null {
  return model.overview?.walls.find((wall) => wall.slug === model.wall) ?? null;
}

/** The selected post: as listed, or as its story has it when it left the list. */
export function selectedPost(model: Model): Post | null {
  if (model.selected === null) return null;
  const listed = model.posts?.find((post) => post.id === model.selected);
  const told = model.story?.post.id === model.selected ? model.story.post : null;
  if (listed && told) return told.changed > listed.changed ? told : listed;
  return listed ?? told;
}

/** How many posts of the wall are in a state, as the operator should see it: held deeds count as done. */
export function countOf(model: Model, state: State): number {
  const wall = wallOf(model);
  if (wall === null) return 0;
  const held = model.deeds.filter((deed) => deed.post.wall === wall.slug && deed.post.state === state).length;
  return Math.max(0, wall.counts[state] - held);
}

/** What `u` would take back: the newest notice that still offers it. */
export function undoable(model: Model): Notice | null {
  return (
    model.notices.findLast(
      (notice) => notice.deed !== null || notice.undo !== null || notice.search !== null,
    ) ?? null
  );
}

/** What to read again after a hint. */
export function affected(kinds: readonly HintKind[]): {
  readonly overview: boolean;
  readonly searches: boolean;
  readonly posts: boolean;
} {
  const posts = kinds.includes("posts");
  return {
    overview: posts || kinds.includes("walls") || kinds.includes("health"),
    searches: kinds.includes("searches"),
    posts,
  };
}

function withOverview(model: Model, overview: Overview): Model {
  const known = overview.walls.some((wall) => wall.slug === model.wall);
  const wall = known ? model.wall : (overview.walls[0]?.slug ?? null);
  const next: Model = { ...model, overview, phase: "ready" };
  return known ? next : emptied({ ...next, wall });
}

function emptied(model: Model): Model {
  return {
    ...model,
    posts: null,
    next: null,
    more: false,
    selected: null,
    from: null,
    story: null,
    picture: 0,
    over: null,
  };
}

/** A new reading leaves the selection on its post, also when that has left the list; where none is, the first one is. */
function withSelection(model: Model): Model {
  const first = visible(model)[0];
  return model.selected === null && first ? select(model, first.id) : model;
}

function select(model: Model, id: string | null): Model {
  if (id === model.selected) return model;
  return { ...model, selected: id, from: null, story: null, picture: 0 };
}

/** To another post and its story at once. Where one came from is kept over several visits; coming back there ends them. */
function visit(model: Model, story: Story): Model {
  const from = model.from ?? model.selected;
  const id = story.post.id;
  return { ...model, selected: id, from: id === from ? null : from, story, picture: 0 };
}

function step(model: Model, by: number): Model {
  const posts = visible(model);
  if (posts.length === 0) return model;
  const at = posts.findIndex((post) => post.id === (model.from ?? model.selected));
  const to = at === -1 ? 0 : Math.min(posts.length - 1, Math.max(0, at + by));
  return select(model, posts[to]?.id ?? null);
}

function begin(model: Model, deed: Deed): Model {
  if (model.deeds.some((other) => other.post.id === deed.post.id)) return model;
  const before = visible(model);
  const at = before.findIndex((post) => post.id === deed.post.id);
  const after = { ...model, deeds: [...model.deeds, deed] };
  if (model.selected !== deed.post.id || deed.kind === "retry") return after;
  if (model.from !== null) return select(after, model.from);
  if (at === -1) return after;
  const rest = visible(after);
  const next = rest[Math.min(at, rest.length - 1)] ?? null;
  return { ...select(after, next?.id ?? null), over: next === null ? null : after.over };
}

function done(model: Model, id: number, post: Post): Model {
  const deed = model.deeds.find((one) => one.id === id);
  const posts = model.posts?.filter((one) => one.id !== post.id || post.state === model.view) ?? null;
  const story = model.story?.post.id === post.id ? { ...model.story, post } : model.story;
  return {
    ...model,
    posts: posts?.map((one) => (one.id === post.id ? post : one)) ?? null,
    story,
    deeds: model.deeds.filter((one) => one !== deed),
  };
}

function giveUp(model: Model, id: number, andSelect: boolean): Model {
  const deed = model.deeds.find((one) => one.id === id);
  const after: Model = {
    ...model,
    deeds: model.deeds.filter((one) => one !== deed),
    notices: model.notices.filter((notice) => notice.deed !== id),
  };
  const listed = deed && after.posts?.some((post) => post.id === deed.post.id);
  return andSelect && listed ? select(after, deed.post.id) : after;
}

function joined(older: readonly Post[], newer: readonly Post[]): readonly Post[] {
  const known = new Set(older.map((post) => post.id));
  return [...older, ...newer.filter((post) => !known.has(post.id))];
}

/** A deed that is about to begin. */
export function deedOf(id: number, kind: ActionKind, post: Post, undoes = false): Deed {
  return { id, kind, post, held: !undoes && waits(kind, post), undoes };
}

/** How a deed that was done can be undone: on the post as it is now. */
export function undoOf(deed: Deed, now: Post): Undo | null {
  const opposite = deed.undoes ? null : oppositeOf(deed.kind, deed.post);
  return opposite === null ? null : { kind: opposite, post: now };
}
