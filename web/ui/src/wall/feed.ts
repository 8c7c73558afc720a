/**
 * Keeps a wall's state true: snapshot over HTTP, events over STOMP, and the repair of whatever was missed.
 *
 * Order of a visit: where to connect (`info`), the snapshot, then the subscription; after its RECEIPT everything that
 * happened between snapshot and subscription is fetched (a relay sends it by itself when it knows our cursor). Later
 * holes, heads beyond us, gaps and newer epochs are repaired the same way, one question at a time.
 *
 * Time, randomness, HTTP and the connection come in from outside; tests drive them.
 */

import { type Api, Gone, NoSuchWall, NotHere } from "./api.js";
import { ServerClock } from "./clock.js";
import type { Link, LinkHandlers, Message, OpenLink } from "./link.js";
import {
  applyEvent,
  applyRepair,
  applySnapshot,
  EMPTY,
  need,
  noteGap,
  noteSkip,
  type WallState,
} from "./reducer.js";
import { formatCursor, readEvent, type WallInfo } from "./types.js";
import { type Way, Ways } from "./ways.js";

/** Three missed heads (one every 5 s): somebody between the catalogue and us is gone. ARCHITECTURE §4. */
export const SILENCE_MS = 15_000;
/** Messages of one broker may overtake each other by this much around a fail-over. */
export const STRAGGLERS_MS = 250;
/** All viewers of a broker see the same hole at the same moment; they ask within this time, not at once. */
export const JITTER_MS = 2_000;
/** Without a live connection the log is asked this often, so that a removal reaches the glass over plain HTTP. */
export const POLL_MS = 30_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 15_000;
/** Failed connections after which the server is asked again where to connect; with more nodes, after all of them. */
const ASK_AGAIN_AFTER = 3;
const SEQ = /^(0|[1-9][0-9]{0,15})$/;
/** RFC 6455's "service restart": a relay that stops says it to each viewer at a moment of its own. */
const GO_ELSEWHERE = 1012;
/** Of a move to another relay: how long after the word to go, at most, and until when the wall still counts as live. */
const MOVE_JITTER_MS = 250;
export const MOVE_MS = 3_000;
/** Repairs that leave a hole open before the snapshot is taken instead. */
const REPAIRS_BEFORE_SNAPSHOT = 3;

export interface FeedOptions {
  readonly slug: string;
  readonly api: Api;
  readonly openLink: OpenLink;
  /** The way around blocked WebSockets. */
  readonly openStream: OpenLink;
  readonly clock?: ServerClock;
  /** Uniform in 0..1. */
  readonly random?: () => number;
  readonly now?: () => number;
}

export interface FeedCounts {
  messages: number;
  malformed: number;
  connects: number;
  repairs: number;
  snapshots: number;
}

export class Feed {
  state: WallState = EMPTY;
  info: WallInfo | null = null;
  /** The server says there is no such wall. */
  missing = false;
  /** Why the server can't show this wall, in its words. */
  refused: string | null = null;
  readonly counts: FeedCounts = { messages: 0, malformed: 0, connects: 0, repairs: 0, snapshots: 0 };
  readonly clock: ServerClock;

  readonly #options: FeedOptions;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #started: number;
  readonly #stop = new AbortController();
  #link: Link | null = null;
  /** A WebSocket that is tried beside a stream that works. */
  #probe: Link | null = null;
  readonly #ways = new Ways();
  #by: Way | null = null;
  #subscribed = false;
  #subscriptions = 0;
  #heardAt: number | null = null;
  #failures = 0;
  /** Where to try next, of the nodes that `info` named. */
  #node = 0;
  /** Sent elsewhere: ask where to, and until this moment nobody needs to know. */
  #sentAway = false;
  #movingUntil = 0;
  #catchingUp = false;
  #wasLive = false;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #polledAt = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? Date.now;
    this.clock = options.clock ?? new ServerClock();
    this.#started = this.#now();
  }

  /** Connected, confirmed, and told something by the wall within the last 15 s; or on the way to another relay. */
  get live(): boolean {
    const connected = this.#subscribed || this.#now() < this.#movingUntil;
    return connected && this.state.cursor !== null && this.#now() - this.#lastHeard < SILENCE_MS;
  }

  /** How the events come, while a subscription stands. */
  get by(): Way | null {
    return this.#by;
  }

  /** Local time at which we last knew the wall to be true. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  get #lastHeard(): number {
    return this.#heardAt ?? this.#started;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  start(): void {
    this.#ticker = setInterval(() => this.#tick(), 1_000);
    void this.#catchUp(false);
    void this.#connect();
  }

  close(): void {
    this.#stop.abort();
    clearInterval(this.#ticker);
    this.#link?.close();
    this.#probe?.close();
    this.#listeners.clear();
  }

  async #connect(): Promise<void> {
    // A token is good for one coming in; the next one needs a new one.
    const used = this.info !== null && this.info.token !== null;
    if (this.info === null || used || this.#sentAway || this.#failures % this.#round === 0) {
      await this.#ask();
    }
    if (this.#stop.signal.aborted) return;
    if (this.info === null) return this.#connectLater();
    this.counts.connects += 1;
    const way = this.#ways.way;
    let subscribed = false;
    this.#link = this.#open(this.info, way, {
      onSubscribed: (headers) => {
        subscribed = true;
        this.#onSubscribed(way, headers["recovered"] ?? null);
      },
      onMessage: (message) => this.#onMessage(message),
      onDown: (_reason, code) => {
        if (!subscribed) this.#ways.failed();
        this.#onDown(code);
      },
    });
  }

  /** Where to connect, as the server says now; what it said before stays good while it does not answer. */
  async #ask(): Promise<void> {
    try {
      this.info = await this.#options.api.info();
      this.#sentAway = false;
      this.#node = 0;
      this.missing = false;
      this.refused = null;
    } catch (error) {
      this.missing = error instanceof NoSuchWall && this.info === null;
      this.refused = error instanceof NotHere ? error.message : null;
    }
    this.#changed();
  }

  #askIn(delay: number): void {
    setTimeout(() => !this.#stop.signal.aborted && void this.#ask(), delay);
  }

  #open(info: WallInfo, way: Way, handlers: LinkHandlers): Link {
    const open = way === "stream" ? this.#options.openStream : this.#options.openLink;
    const replays = way === "stream" || info.connect.kind === "relay";
    const resumes = replays && this.state.next === null ? this.state.cursor : null;
    const topic = `/topic/${info.token === null ? "wall" : "private"}.${this.#options.slug}`;
    const url = info.nodes[this.#node % info.nodes.length] ?? info.connect.url;
    return open(url, topic, resumes && formatCursor(resumes), handlers, info.token);
  }

  /** Tries the WebSocket while the stream goes on; whatever both say twice is applied once. */
  async #tryTheSocket(): Promise<void> {
    if (this.info !== null && this.info.token !== null) await this.#ask();
    if (this.info === null || this.#stop.signal.aborted || this.#probe !== null || this.#by !== "stream")
      return;
    let taken = false;
    this.#probe = this.#open(this.info, "socket", {
      onSubscribed: (headers) => {
        taken = true;
        this.#link?.close();
        this.#link = this.#probe;
        this.#probe = null;
        this.#onSubscribed("socket", headers["recovered"] ?? null);
      },
      onMessage: (message) => this.#onMessage(message),
      onDown: (_reason, code) => {
        if (taken) this.#onDown(code);
        else this.#probe = null;
      },
    });
  }

  #onSubscribed(way: Way, recovered: string | null): void {
    this.#ways.worked(way, this.#now());
    this.#by = way;
    this.#subscribed = true;
    this.#subscriptions += 1;
    this.#failures = 0;
    this.#heardAt = this.#now();
    this.#changed();
    if (recovered === "true") return;
    // What happened between the snapshot and the subscription nobody will tell us unasked.
    if (recovered === "false") this.state = { ...this.state, floor: Number.POSITIVE_INFINITY };
    else this.state = noteGap(this.state);
    void this.#catchUp(false);
  }

  #onMessage({ body, headers }: Message): void {
    this.counts.messages += 1;
    const event = readEvent(parse(body));
    if (event === null || event.wall !== this.#options.slug) {
      this.counts.malformed += 1;
      return;
    }
    this.#heardAt = this.#now();
    if (event.kind === "head") this.clock.atLeast(event.at);
    if (headers["gap"] === "true") this.state = noteGap(this.state);
    if (headers["gap"] === "superseded" && SEQ.test(headers["follows"] ?? "")) {
      this.state = noteSkip(this.state, event.epoch, Number(headers["follows"]), event.seq);
    }
    this.state = applyEvent(this.state, event);
    this.#changed();
    // What guests may add stands beside a wall's settings, not among them.
    if (event.kind === "wall") this.#askIn(JITTER_MS * this.#random());
    if (need(this.state) !== "nothing") void this.#catchUp(true);
  }

  #onDown(code: number | undefined): void {
    this.#link = null;
    this.#probe?.close();
    this.#probe = null;
    this.#by = null;
    // Only one that served us sends us away; one that never did has merely failed.
    const sentAway = code === GO_ELSEWHERE && this.#subscribed;
    if (sentAway) this.#movingUntil = this.#now() + MOVE_MS;
    this.#sentAway ||= sentAway;
    this.#subscribed = false;
    this.#node += 1;
    if (!sentAway) this.#failures += 1;
    this.#changed();
    if (sentAway) this.#connectIn(MOVE_JITTER_MS * this.#random());
    else this.#connectLater();
  }

  /** Failures until all that we know of have been tried. */
  get #round(): number {
    return Math.max(ASK_AGAIN_AFTER, this.info?.nodes.length ?? 0);
  }

  #connectLater(): void {
    if (this.info === null) this.#failures += 1;
    // Other nodes are tried without growing pauses, until all have failed.
    const nodes = this.info?.nodes.length || 1;
    const rounds = Math.ceil(this.#failures / nodes);
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(rounds, 10));
    // Half fixed, half random: never at once, and never all together.
    this.#connectIn(longest / 2 + (longest / 2) * this.#random());
  }

  #connectIn(delay: number): void {
    setTimeout(() => !this.#stop.signal.aborted && void this.#connect(), delay);
  }

  /** Fetches what is missing until nothing is; one at a time. With `patient`, waits for stragglers first. */
  async #catchUp(patient: boolean): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      if (patient) {
        await this.#sleep(STRAGGLERS_MS);
        if (need(this.state) !== "nothing") await this.#sleep(this.#random() * JITTER_MS);
      }
      let repairs = 0;
      let failures = 0;
      for (let what = need(this.state); what !== "nothing"; what = need(this.state)) {
        if (this.#stop.signal.aborted) return;
        try {
          if (what === "snapshot" || repairs >= REPAIRS_BEFORE_SNAPSHOT) {
            await this.#takeSnapshot();
            repairs = 0;
          } else {
            repairs = (await this.#repair()) ? 0 : repairs + 1;
          }
          failures = 0;
          this.#changed();
          if (need(this.state) !== "nothing") await this.#sleep(STRAGGLERS_MS);
        } catch {
          failures += 1;
          const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 10));
          await this.#sleep(longest / 2 + (longest / 2) * this.#random());
        }
      }
    } finally {
      this.#catchingUp = false;
    }
  }

  async #takeSnapshot(): Promise<void> {
    const asked = this.#now();
    const subscriptions = this.#subscriptions;
    const snapshot = await this.#options.api.snapshot();
    this.counts.snapshots += 1;
    if (this.counts.snapshots === 1) this.clock.restart(snapshot.now, asked);
    else this.clock.atLeast(snapshot.now);
    const { epoch, seq } = snapshot.cursor;
    // `recovered:false` above the head: the server's truth is what the snapshot says, also when it is lower.
    const asOrdered = this.state.floor === Number.POSITIVE_INFINITY;
    const base = asOrdered ? { ...this.state, floor: 0 } : this.state;
    const behindUs = asOrdered && this.state.cursor?.epoch === epoch && seq < this.state.cursor.seq;
    this.state = applySnapshot(behindUs ? { ...EMPTY, view: this.state.view } : base, snapshot);
    this.#unlessSubscribedSince(subscriptions);
  }

  /** Asks the log for what follows our cursor. Whether it brought us forward. */
  async #repair(): Promise<boolean> {
    const asked = this.state.cursor;
    if (asked === null) return false;
    const subscriptions = this.#subscriptions;
    this.counts.repairs += 1;
    try {
      const events = await this.#options.api.eventsAfter(asked);
      this.state = applyRepair(this.state, events);
      this.#unlessSubscribedSince(subscriptions);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      await this.#takeSnapshot();
    }
    return (
      this.state.cursor !== null && (this.state.cursor.seq > asked.seq || need(this.state) === "nothing")
    );
  }

  /** An answer asked for before the subscription stood does not cover the time until it did. */
  #unlessSubscribedSince(subscriptions: number): void {
    if (subscriptions !== this.#subscriptions) this.state = noteGap(this.state);
  }

  #tick(): void {
    const now = this.#now();
    if (!this.live && this.state.cursor !== null && now - this.#polledAt > POLL_MS && !this.#catchingUp) {
      // The first time only starts the interval; spread, because all viewers lose the same broker at once.
      if (this.#polledAt !== 0) {
        this.state = noteGap(this.state);
        void this.#catchUp(true);
      }
      this.#polledAt = now + this.#random() * JITTER_MS;
    }
    if (this.live) this.#polledAt = 0;
    if (this.#by === "stream" && this.#ways.socketDue(now)) void this.#tryTheSocket();
    if (this.live !== this.#wasLive) this.#changed();
  }

  #changed(): void {
    this.#wasLive = this.live;
    for (const listener of this.#listeners) listener();
  }

  #sleep(duration: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, duration));
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
