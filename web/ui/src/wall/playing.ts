/** Films play in place, one after the other, as long as somebody may see them. */

import { filmOf } from "../media.js";
import { animationOf } from "./pieces.js";
import type { Motion, Tile } from "./tile.js";
import { ANIMATED_MS, LONGEST_MS, nextTurn } from "./turns.js";

const LOOK_MS = 1_000;

interface Connection {
  readonly saveData?: boolean;
}

export class Playing {
  readonly #tiles: () => readonly Tile[];
  readonly #motion: () => Motion;
  readonly #played = new Map<string, number>();
  #ended: number | null = null;
  #current: Tile | null = null;
  #held = false;

  constructor(tiles: () => readonly Tile[], motion: () => Motion) {
    this.#tiles = tiles;
    this.#motion = motion;
    setInterval(() => this.#look(), LOOK_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#stop();
    });
  }

  /** While held nothing plays: the wall is paused, or a picture is looked at in full. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#stop();
  }

  #look(): void {
    if (this.#held || document.hidden || this.#motion().reduced || savesData()) {
      this.#stop();
      return;
    }
    if (this.#current?.playing) return;
    this.#current = null;
    const tiles = this.#tiles().filter((tile) => tile.painted !== null);
    const films = tiles.flatMap(({ piece }) =>
      piece && (filmOf(piece.media) ?? animationOf(piece.media))
        ? [{ key: piece.key, rank: piece.rank }]
        : [],
    );
    const shown = new Set(films.map((film) => film.key));
    for (const key of this.#played.keys()) if (!shown.has(key)) this.#played.delete(key);
    const key = nextTurn(films, this.#played, this.#ended, performance.now());
    const tile = tiles.find((one) => one.piece?.key === key);
    const film = tile?.piece && filmOf(tile.piece.media);
    const moving = film ?? (tile?.piece && animationOf(tile.piece.media));
    if (!tile || !moving || key === null) return;
    this.#current = tile;
    tile.play(moving, film ? LONGEST_MS : ANIMATED_MS, this.#motion(), () => {
      this.#ended = performance.now();
      this.#played.set(key, this.#ended);
    });
  }

  #stop(): void {
    this.#current?.stop();
    this.#current = null;
  }
}

/** Whoever asked the browser to save data has not asked for films to play by themselves. */
function savesData(): boolean {
  return (navigator as Navigator & { readonly connection?: Connection }).connection?.saveData === true;
}
