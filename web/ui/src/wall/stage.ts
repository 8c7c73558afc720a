/** The tiles on the glass: takes states, keeps the mosaic, loads pictures, moves nodes. */

import type { Rendition } from "../media.js";
import { Arrivals } from "./arrivals.js";
import { capacity, type Frame, frameOf, type Placed } from "./layout.js";
import { admit, type Item, NOTHING, type Plan, planAnew, positions, withdraw } from "./mosaic.js";
import { aspectOf, chooseRendition, type Piece, piecesOf } from "./pieces.js";
import { Playing } from "./playing.js";
import type { WallState } from "./reducer.js";
import { type Motion, Tile } from "./tile.js";

/** One picture's way to the glass, in milliseconds of the server's clock. */
export interface Painting {
  readonly post: string;
  readonly media: string;
  readonly seq: number;
  readonly received: number;
  readonly ready: number | null;
  readonly at: number | null;
  readonly painted: number;
}

export interface StageCounts {
  entered: number;
  displaced: number;
  removed: number;
  failed: number;
}

// Loading and decoding a thumbnail; longer, and the store or the network is in trouble.
const LOAD_MS = 15_000;
const RETRIES = 3;
const RETRY_MS = 2_000;
const PAINTINGS_KEPT = 5_000;
const SPARE_NODES = 8;

export class Stage {
  readonly counts: StageCounts = { entered: 0, displaced: 0, removed: 0, failed: 0 };
  readonly paintings: Painting[] = [];
  readonly arrivals: Arrivals<Piece, HTMLImageElement>;
  readonly playing: Playing;

  readonly #host: HTMLElement;
  readonly #now: () => number;
  readonly #changed: () => void;
  readonly #tiles = new Map<string, Tile>();
  readonly #spare: Tile[] = [];
  readonly #failures = new Map<string, number>();
  #pieces = new Map<string, Piece>();
  #known = new Set<string>();
  #started = false;
  #plan: Plan = NOTHING;
  #frame: Frame = frameOf({ width: 1, height: 1 });
  #em = 16;
  #newest: Tile | null = null;
  #motion: Motion = { reduced: true, move: 0, fade: 0, easing: (t) => t };

  /** `now` is the server's clock; `changed` is called when tiles came or went. */
  constructor(host: HTMLElement, now: () => number, changed: () => void) {
    this.#host = host;
    this.#now = now;
    this.#changed = changed;
    this.arrivals = new Arrivals<Piece, HTMLImageElement>({
      prepare: (piece) => load(this.#renditionFor(piece, null)?.url ?? ""),
      wanted: (piece) => this.#pieces.has(piece.key) && !this.#tiles.has(piece.key),
      enter: (piece, image) => this.#enter(piece, image),
      failed: (piece) => this.#failed(piece),
      now: () => performance.now(),
    });
    this.playing = new Playing(
      () => this.tiles,
      () => this.#motion,
    );
    new ResizeObserver(() => this.#resize()).observe(host);
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => this.#readTokens());
    setInterval(() => this.#tellTime(), 15_000);
  }

  get tiles(): readonly Tile[] {
    return [...this.#tiles.values()];
  }

  /** Everything that could be shown, newest first. */
  get pieces(): readonly Piece[] {
    return [...this.#pieces.values()];
  }

  /** The tile that entered last. */
  get newest(): Tile | null {
    return this.#newest;
  }

  tileOf(key: string): Tile | null {
    return this.#tiles.get(key) ?? null;
  }

  /** Whether pictures cover the whole screen. */
  get full(): boolean {
    return this.#plan.extents !== null;
  }

  /** Brings the glass to a state: what is gone goes at once, what is new queues up. */
  update(state: WallState): void {
    if (state.cursor === null) return;
    const pieces = piecesOf(state);
    this.#pieces = new Map(pieces.map((piece) => [piece.key, piece]));
    for (const key of this.#failures.keys()) if (!this.#pieces.has(key)) this.#failures.delete(key);
    this.#remove([...this.#tiles.keys(), ...this.#known].filter((key) => !this.#pieces.has(key)));

    for (const [key, tile] of this.#tiles) {
      const piece = this.#pieces.get(key);
      if (piece && (piece.post !== tile.piece?.post || piece.of !== tile.piece.of))
        tile.update(piece, this.#now());
    }
    if (!this.#started && pieces.length > 0) this.#begin(pieces);
    // What the newest screenful does not reach waits in reserve for a hole.
    for (const piece of pieces.slice(0, capacity(this.#frame)).reverse()) {
      if (!this.#known.has(piece.key) && !this.#tiles.has(piece.key)) this.arrivals.offer(piece.key, piece);
    }
    this.#known = new Set(this.#pieces.keys());
  }

  pause(paused: boolean): void {
    this.arrivals.pause(paused);
  }

  /** The first screenful stands at once as blurs, each sharp as soon as it can be. */
  #begin(pieces: readonly Piece[]): void {
    this.#started = true;
    this.#resize();
    this.#plan = planAnew(this.#frame, this.#itemsOf(pieces));
    this.#render(null);
    for (const piece of pieces) this.#known.add(piece.key);
  }

  #enter(piece: Piece, image: HTMLImageElement): void {
    const current = this.#pieces.get(piece.key) ?? piece;
    this.#started = true;
    this.counts.entered += 1;
    this.#plan = admit(this.#frame, this.#plan, toItem(current), this.#reserve(current.key));
    this.#render(this.#motion, new Map([[current.key, image]]));
    this.#newest = this.#tiles.get(current.key) ?? null;
    this.#newest?.speak(this.#captionTime());
    this.#changed();
  }

  #remove(keys: readonly string[]): void {
    const shown = new Set<string>();
    for (const key of keys) {
      this.arrivals.forget(key);
      const tile = this.#tiles.get(key);
      if (tile === undefined) continue;
      shown.add(key);
      this.#tiles.delete(key);
      this.#recycle(tile);
      this.counts.removed += 1;
    }
    if (shown.size === 0) return;
    this.#plan = withdraw(this.#frame, this.#plan, shown, this.#reserve());
    this.#render(this.#motion);
  }

  #failed(piece: Piece): void {
    const failures = (this.#failures.get(piece.key) ?? 0) + 1;
    this.#failures.set(piece.key, failures);
    this.counts.failed += 1;
    if (failures > RETRIES) return;
    setTimeout(
      () => {
        const current = this.#pieces.get(piece.key);
        if (current && !this.#tiles.has(piece.key)) this.arrivals.offer(piece.key, current);
      },
      RETRY_MS * 4 ** (failures - 1),
    );
  }

  /** Makes the nodes agree with the plan. */
  #render(motion: Motion | null, decoded: ReadonlyMap<string, HTMLImageElement> = new Map()): void {
    const places = positions(this.#frame, this.#plan);
    for (const [key, tile] of this.#tiles) {
      if (places.has(key)) continue;
      this.#tiles.delete(key);
      this.counts.displaced += 1;
      tile.leave(this.#motion, () => this.#recycle(tile));
    }
    for (const [key, place] of places) {
      const tile = this.#tiles.get(key);
      if (tile) tile.moveTo(place, motion);
      else this.#insert(key, place, decoded.get(key));
    }
    for (const tile of this.#tiles.values()) {
      tile.room(this.#em);
      this.#sharpen(tile);
    }
    this.#changed();
  }

  #insert(key: string, place: Placed, image: HTMLImageElement | undefined): void {
    const piece = this.#pieces.get(key);
    if (piece === undefined) return;
    const tile = this.#spare.pop() ?? new Tile();
    tile.assign(piece, this.#now());
    tile.moveTo(place, null);
    this.#tiles.set(key, tile);
    this.#host.append(tile.element);
    if (image) this.#show(tile, piece, image);
  }

  /** Loads the rendition that a tile of this size wants, unless it has one as sharp. */
  #sharpen(tile: Tile): void {
    const { piece } = tile;
    if (piece === null) return;
    const rendition = this.#renditionFor(piece, tile.rect);
    if (rendition === null || rendition.width <= tile.sharpness || rendition.url === tile.loading) return;
    const address = rendition.url;
    tile.loading = address;
    load(address).then(
      (image) => {
        if (tile.piece?.key === piece.key && tile.loading === address) this.#show(tile, piece, image);
      },
      () => {
        if (tile.piece?.key !== piece.key || tile.loading !== address) return;
        tile.loading = "";
        if (tile.source !== "") return;
        this.#remove([piece.key]);
        this.#failed(piece);
      },
    );
  }

  #show(tile: Tile, piece: Piece, image: HTMLImageElement): void {
    const first = tile.source === "";
    tile.show(image, this.#motion);
    if (!first) return;
    // The frame after the next one has it on the glass.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (tile.piece?.key !== piece.key) return;
        tile.painted = this.#now();
        this.paintings.push({
          post: piece.post.id,
          media: piece.media.id,
          seq: piece.seq,
          received: piece.post.received,
          ready: piece.post.ready,
          at: piece.at,
          painted: tile.painted,
        });
        if (this.paintings.length > PAINTINGS_KEPT) this.paintings.shift();
        this.#changed();
      }),
    );
  }

  #recycle(tile: Tile): void {
    if (this.#newest === tile) this.#newest = null;
    tile.release();
    if (this.#spare.length < SPARE_NODES) this.#spare.push(tile);
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === 0 || height === 0) return;
    this.#frame = frameOf({ width, height });
    this.#readTokens();
    if (this.#plan.lines.length === 0) return;
    this.#plan = planAnew(this.#frame, [...this.#plan.lines.flat(), ...this.#reserve()]);
    this.#render(null);
  }

  /** What has no place, newest first. */
  #reserve(except = ""): Item[] {
    const pieces = [...this.#pieces.values()].filter(
      ({ key }) => key !== except && !this.#tiles.has(key) && !this.arrivals.has(key),
    );
    return this.#itemsOf(pieces);
  }

  #itemsOf(pieces: readonly Piece[]): Item[] {
    return pieces.filter((piece) => (this.#failures.get(piece.key) ?? 0) === 0).map(toItem);
  }

  /** Before its place is known, a tile of usual size is assumed. */
  #renditionFor(piece: Piece, rect: Placed | null): Rendition | null {
    const tile = rect ?? { width: this.#frame.line * 1.4, height: this.#frame.line };
    return chooseRendition(piece.media, tile, devicePixelRatio);
  }

  #captionTime(): number {
    return milliseconds(getComputedStyle(this.#host).getPropertyValue("--caption-time"));
  }

  #readTokens(): void {
    const style = getComputedStyle(this.#host);
    this.#em = Number.parseFloat(style.fontSize) || 16;
    this.#motion = {
      reduced: matchMedia("(prefers-reduced-motion: reduce)").matches,
      move: milliseconds(style.getPropertyValue("--move")),
      fade: milliseconds(style.getPropertyValue("--fade")),
      easing: settle,
    };
  }

  #tellTime(): void {
    for (const tile of this.#tiles.values()) tile.tell(this.#now());
  }
}

/** Quick to leave, slow to arrive; the sampled twin of --settle. */
function settle(t: number): number {
  return 1 - (1 - t) ** 4;
}

/** Fetches and decodes, so that painting it costs no frame. */
async function load(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${address} took too long`)), LOAD_MS);
  });
  try {
    await Promise.race([image.decode(), tooLong]);
    return image;
  } catch (error) {
    image.src = "";
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function toItem(piece: Piece): Item {
  return {
    key: piece.key,
    group: piece.post.id,
    rank: piece.rank,
    aspect: aspectOf(piece.media),
    focus: piece.media.focus,
  };
}

/** `500ms` or `9s` in milliseconds. */
function milliseconds(value: string): number {
  const number = Number.parseFloat(value) || 0;
  return /ms\s*$/.test(value) ? number : number * 1_000;
}
