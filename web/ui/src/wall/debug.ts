/** `window.frieze`: what this page knows of itself, for tests and benchmarks. Read-only, nothing secret. */

import type { Feed } from "./feed.js";
import type { Stage } from "./stage.js";
import { formatCursor } from "./types.js";

export interface Debug {
  readonly live: boolean;
  /** How the events come. */
  readonly by: "socket" | "stream" | null;
  /** `<epoch>-<seq>`: everything up to it is applied. Null before the first snapshot. */
  readonly cursor: string | null;
  /** Posts the page holds, also those without a tile. */
  readonly posts: readonly string[];
  readonly tiles: readonly object[];
  /** Every picture painted so far (the last 5,000), with its times by the server's clock. */
  readonly paintings: readonly object[];
  readonly counts: Readonly<Record<string, number>>;
  readonly serverNow: number;
}

export function exposeDebug(feed: Feed, stage: Stage): void {
  const debug: Debug = {
    get live() {
      return feed.live;
    },
    get by() {
      return feed.by;
    },
    get cursor() {
      return feed.state.cursor && formatCursor(feed.state.cursor);
    },
    get posts() {
      return [...feed.state.posts.keys()];
    },
    get tiles() {
      return stage.tiles.flatMap(({ piece, painted }) =>
        piece === null
          ? []
          : [
              {
                post: piece.post.id,
                media: piece.media.id,
                revision: piece.post.revision,
                seq: piece.seq,
                received: piece.post.received,
                ready: piece.post.ready,
                at: piece.at,
                painted,
              },
            ],
      );
    },
    get paintings() {
      return [...stage.paintings];
    },
    get counts() {
      const { waiting, skipped } = stage.arrivals;
      return { ...feed.counts, ...stage.counts, waiting, skipped };
    },
    get serverNow() {
      return feed.clock.now();
    },
  };
  Object.defineProperty(window, "frieze", { value: Object.freeze(debug), enumerable: true });
}
