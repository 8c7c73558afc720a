/** The operator's desk: holds the model, talks to the server, and does what keys and buttons ask for. */
import { Api, Refusal } from "./api.js";
import { Live } from "./live.js";
import {
  affected,
  type Change,
  deedOf,
  type Model,
  type Notice,
  PAGE_POSTS,
  reduce,
  START,
  selectedPost,
  undoable,
  undoOf,
  visible,
  wallOf,
} from "./model.js";
import { HOLD_MILLISECONDS, mayDo } from "./moves.js";
import type { GuestChanges } from "./rules.js";
import type { ActionKind, Guests, HintKind, Post, Search, State } from "./types.js";
import { PAST_WORDS, STATE_WORDS } from "./words.js";

// Hints come up to ten a second; an operator reads no faster than this.
const READ_EVERY_MILLISECONDS = 400;
// After a reading that failed.
const AGAIN_MILLISECONDS = 3_000;
const NOTICE_MILLISECONDS = 6_000;
const PROBLEM_MILLISECONDS = 10_000;
const POSTS_AT_MOST = 200;

export class Desk {
  model: Model = START;
  readonly #api = new Api();
  readonly #live: Live;
  readonly #changed: () => void;
  readonly #timers = new Map<number, number>();
  readonly #stale = new Set<HintKind>();
  #ids = 0;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  #ahead = 0;
  #reading = 0;
  #busy = false;
  #urgent = false;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#live = new Live({
      hello: () => {
        this.change({ type: "live", live: "live" });
        this.#readSoon(["walls", "posts", "searches", "health"]);
      },
      changed: (kinds) => this.#readSoon(kinds),
      lost: () => this.#lost(),
      ended: () => this.change({ type: "signed-out" }),
    });
  }

  async start(): Promise<void> {
    window.addEventListener("pagehide", () => this.#sendHeld());
    // a phone may stop a hidden page at any moment, and forget what it held
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#sendHeld();
    });
    await this.readAll();
    if (this.model.phase !== "signed-out") this.#live.start();
  }

  change(change: Change): void {
    const before = this.model;
    this.model = reduce(before, change);
    if (this.model === before) return;
    if (this.model.selected !== null && this.model.selected !== before.selected) void this.#readStory();
    if (this.model.wall !== before.wall || this.model.view !== before.view) this.#readSoon(["posts"], 0);
    this.#changed();
  }

  async readAll(): Promise<void> {
    await this.#read(["walls", "posts", "searches", "health"]);
  }

  look(state: State): void {
    this.change({ type: "view", view: state });
  }

  stepWall(by: number): void {
    const walls = this.model.overview?.walls ?? [];
    const at = walls.findIndex((wall) => wall.slug === this.model.wall);
    const to = walls[at + by];
    if (to) this.change({ type: "wall", slug: to.slug });
  }

  async readMore(): Promise<void> {
    const { wall, view, next, more } = this.model;
    if (wall === null || next === null || more) return;
    this.change({ type: "reading-more" });
    await this.#try(async () => {
      this.change({ type: "more", wall, view, page: await this.#api.posts(wall, view, PAGE_POSTS, next) });
    });
  }

  /** Do `kind` to a post (the selected one), unless it can't be done or something is being done to it. */
  act(kind: ActionKind): void {
    this.#begin(kind, selectedPost(this.model), false);
  }

  #begin(kind: ActionKind, post: Post | null, undoes: boolean): void {
    if (post === null || !mayDo(kind, post)) return;
    if (this.model.deeds.some((deed) => deed.post.id === post.id)) return;
    const deed = deedOf(++this.#ids, kind, post, undoes);
    this.change({ type: "begin", deed });
    if (!deed.held) {
      void this.#send(deed.id);
      return;
    }
    this.#tell({ ...done(kind, post), deed: deed.id });
    this.#timers.set(
      deed.id,
      window.setTimeout(() => void this.#send(deed.id), HOLD_MILLISECONDS),
    );
  }

  /** Take the last deed back; with nothing to take back, restore the selected post if it was removed. */
  undo(): void {
    const notice = undoable(this.model);
    if (notice !== null) {
      this.undoNotice(notice);
      return;
    }
    this.act("restore");
  }

  undoNotice(notice: Notice): void {
    if (notice.deed !== null) {
      this.#stopTimer(notice.deed);
      this.change({ type: "cancelled", id: notice.deed });
      return;
    }
    this.change({ type: "dismiss", id: notice.id });
    if (notice.undo !== null) this.#begin(notice.undo.kind, notice.undo.post, true);
    if (notice.search !== null) void this.#addAgain(notice.search);
  }

  show(notice: Notice): void {
    this.change({ type: "dismiss", id: notice.id });
    if (notice.show === null) return;
    this.change({ type: "select", id: notice.show });
    this.change({ type: "over", over: "post" });
  }

  /** Look at a post whose picture looks the same; the one that is left stays in sight until the other was read. */
  async visit(id: string): Promise<void> {
    await this.#try(async () => {
      const story = await this.#api.story(id);
      this.change({ type: "visit", story });
    }, "You still see the post you were at.");
  }

  /** To the nearest post with the same picture, or from there back to where one came from. */
  async visitSimilar(): Promise<void> {
    const to = this.model.from ?? selectedPost(this.model)?.similar[0]?.post;
    if (to !== undefined) await this.visit(to);
  }

  async switchPolicy(): Promise<void> {
    const wall = wallOf(this.model);
    if (wall === null) return;
    const policy = wall.policy === "open" ? "hold" : "open";
    await this.#try(async () => {
      await this.#api.setPolicy(wall.slug, policy);
      await this.#read(["walls"]);
    }, "The wall's policy is as it was.");
  }

  /** Adds a search; the sentence of a refusal, or null when it was added. */
  async addSearch(network: string, query: string): Promise<string | null> {
    const { wall } = this.model;
    if (wall === null) return null;
    try {
      await this.#api.addSearch(wall, network, query);
    } catch (error) {
      if (error instanceof Refusal && error.status === 422) return error.message;
      this.#explain(error, "The search was not added.");
      return null;
    }
    this.change({ type: "dialog", dialog: null });
    await this.#read(["searches"]);
    return null;
  }

  /** What guests may add to the chosen wall; null when it can't be read, which is said. */
  async readGuests(): Promise<Guests | null> {
    const { wall } = this.model;
    if (wall === null) return null;
    let guests: Guests | null = null;
    await this.#try(async () => {
      guests = await this.#api.guests(wall);
    }, "Nothing was changed.");
    return guests;
  }

  /** Changes the chosen wall; the sentence of a refusal, or null when all of it stands. */
  async saveGuests(changes: GuestChanges): Promise<string | null> {
    const { wall } = this.model;
    if (wall === null) return null;
    try {
      if (Object.keys(changes.guests).length > 0) await this.#api.changeGuests(wall, changes.guests);
      if (Object.keys(changes.wall).length > 0) await this.#api.changeWall(wall, changes.wall);
    } catch (error) {
      if (error instanceof Refusal && error.status === 422) return error.message;
      this.#explain(error, "The wall is as it was.");
      return null;
    }
    this.change({ type: "dialog", dialog: null });
    this.#tell({ title: "Saved", detail: "Guests and viewers see it at once" });
    await this.#read(["walls"]);
    return null;
  }

  async pauseOrGoOn(search: Search): Promise<void> {
    await this.#try(async () => {
      await (search.enabled ? this.#api.pause(search.id) : this.#api.goOn(search.id));
      await this.#read(["searches"]);
    }, "The search is as it was.");
  }

  /** Removes a search. Undone by adding it again, which starts it from the beginning. */
  async removeSearch(search: Search): Promise<void> {
    await this.#try(async () => {
      await this.#api.removeSearch(search.id);
      this.#tell({ title: "Search removed", detail: search.query, search });
      await this.#read(["searches"]);
    }, "The search is still there.");
  }

  async #addAgain(search: Search): Promise<void> {
    await this.#try(async () => {
      await this.#api.addSearch(search.wall, search.network, search.query);
      await this.#read(["searches"]);
    }, "The search was not added again.");
  }

  async signOut(): Promise<void> {
    this.#sendHeld();
    this.#live.stop();
    await this.#try(async () => {
      await this.#api.signOut();
      this.change({ type: "signed-out" });
    }, "You are still signed in.");
  }

  async #send(id: number, leaving = false): Promise<void> {
    this.#stopTimer(id);
    const deed = this.model.deeds.find((one) => one.id === id);
    if (deed === undefined) return;
    this.change({ type: "sent", id });
    try {
      const post = await this.#api.act(deed.post, deed.kind, leaving);
      this.change({ type: "done", id, post });
      if (!deed.held) {
        this.#tell(deed.undoes ? undone(post) : { ...done(deed.kind, post), undo: undoOf(deed, post) });
      }
    } catch (error) {
      this.change({ type: "failed", id });
      this.#explainDeed(error, deed.kind, deed.post);
    }
    this.#readSoon(["posts"]);
    if (this.model.selected === deed.post.id) void this.#readStory();
  }

  #sendHeld(): void {
    for (const deed of this.model.deeds) if (deed.held) void this.#send(deed.id, true);
  }

  #stopTimer(id: number): void {
    window.clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  #readSoon(kinds: readonly HintKind[], wait = READ_EVERY_MILLISECONDS): void {
    for (const kind of kinds) this.#stale.add(kind);
    if (this.#busy) {
      this.#urgent ||= wait === 0;
      return;
    }
    if (this.#reading !== 0 && wait > 0) return;
    window.clearTimeout(this.#reading);
    this.#reading = window.setTimeout(() => void this.#readStale(), wait);
  }

  async #readStale(): Promise<void> {
    this.#reading = 0;
    this.#urgent = false;
    if (this.model.phase === "signed-out") return;
    const due = [...this.#stale];
    this.#stale.clear();
    this.#busy = true;
    await this.#read(due);
    this.#busy = false;
    if (this.#stale.size === 0) return;
    if (this.#urgent) this.#readSoon([], 0);
    else this.#readSoon([], this.model.problem ? AGAIN_MILLISECONDS : READ_EVERY_MILLISECONDS);
  }

  /** Read what the hints are about. When that fails, say so above the list and try again in a while. */
  async #read(kinds: readonly HintKind[]): Promise<void> {
    const due = affected(kinds);
    try {
      if (due.overview) await this.#readOverview();
      await Promise.all([
        due.searches ? this.#readSearches() : null,
        due.posts ? this.#readPosts() : null,
        due.posts ? this.#readStory() : null,
      ]);
      this.change({ type: "problem", problem: null });
    } catch (error) {
      this.#explain(error, null);
      for (const kind of kinds) this.#stale.add(kind);
      if (this.model.phase === "signed-out") this.#stale.clear();
      else this.#readSoon([], AGAIN_MILLISECONDS);
    }
  }

  async #readOverview(): Promise<void> {
    const overview = await this.#api.overview();
    this.#api.token = overview.token;
    this.#ahead = Date.parse(overview.now) - Date.now();
    this.change({ type: "overview", overview });
  }

  async #readSearches(): Promise<void> {
    this.change({ type: "searches", searches: await this.#api.searches() });
  }

  async #readPosts(): Promise<void> {
    const { wall, view, posts } = this.model;
    if (wall === null) return;
    const limit = Math.min(POSTS_AT_MOST, Math.max(PAGE_POSTS, posts?.length ?? 0));
    this.change({ type: "page", wall, view, page: await this.#api.posts(wall, view, limit) });
  }

  async #readStory(): Promise<void> {
    const { selected } = this.model;
    if (selected === null) return;
    try {
      this.change({ type: "story", story: await this.#api.story(selected) });
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) this.change({ type: "signed-out" });
      // the list says what is wrong; the post stays as it was read
    }
  }

  #lost(): void {
    if (this.model.live !== "lost") this.change({ type: "live", live: "lost" });
    // a stream that is refused does not say why; reading does
    this.#readSoon(["walls"]);
  }

  async #try(work: () => Promise<void>, meaning: string | null = null): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#explain(error, meaning);
    }
  }

  /** `meaning`: what stays as it was; null for reading, whose trouble stands above the list instead. */
  #explain(error: unknown, meaning: string | null): void {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) {
      this.#live.stop();
      this.change({ type: "signed-out" });
    } else if (meaning === null) {
      this.change({ type: "problem", problem: { code: error.code, sentence: error.message } });
    } else {
      this.#tell({ tone: "problem", title: error.message, detail: meaning });
    }
  }

  #explainDeed(error: unknown, kind: ActionKind, post: Post): void {
    if (error instanceof Refusal && error.code === "moved") {
      const title = error.by ? `${error.by} was quicker` : "This post is not as you saw it";
      this.#tell({ tone: "problem", title, detail: error.message, show: post.id });
      return;
    }
    this.#explain(error, `${nameOf(post)} was not ${PAST_WORDS[kind]}. The wall is as it was.`);
  }

  #tell(notice: Partial<Notice> & { readonly title: string }): void {
    const id = ++this.#ids;
    const whole: Notice = {
      tone: "done",
      detail: "",
      deed: null,
      undo: null,
      search: null,
      show: null,
      ...notice,
      id,
    };
    this.change({ type: "notice", notice: whole });
    const stay = whole.tone === "problem" ? PROBLEM_MILLISECONDS : NOTICE_MILLISECONDS;
    if (whole.deed === null) window.setTimeout(() => this.change({ type: "dismiss", id }), stay);
  }

  /** Now by the server's clock, in milliseconds. */
  get now(): number {
    return Date.now() + this.#ahead;
  }

  /** The posts as they are shown. */
  get posts(): readonly Post[] {
    return visible(this.model);
  }
}

type Said = Pick<Notice, "title" | "detail">;

function done(kind: ActionKind, post: Post): Said {
  const word = PAST_WORDS[kind];
  return { title: word.charAt(0).toUpperCase() + word.slice(1), detail: nameOf(post) };
}

/** What was undone: the post is where the server has it now, which is not always where it came from. */
function undone(post: Post): Said {
  const where = STATE_WORDS[post.state];
  return {
    title: post.shown ? "Back on the wall" : "Taken off the wall",
    detail: `${nameOf(post)} is under ${where}`,
  };
}

function nameOf(post: Post): string {
  return `${post.author.name || post.author.handle || "A post"}’s post`;
}
