/** The pictures of the wall's posts, one by one, as the mosaic wants them. */

import type { Media, Rendition } from "../media.js";
import type { Viewport } from "./layout.js";
import { newestFirst, type WallState } from "./reducer.js";
import type { Post } from "./types.js";

export interface Piece {
  /** Post and media; a changed picture has a new media id. */
  readonly key: string;
  readonly post: Post;
  readonly media: Media;
  /** Which of the post's pictures, from 1. */
  readonly number: number;
  readonly of: number;
  readonly seq: number;
  readonly at: number | null;
  /** Orders pieces: newer posts first, a post's pictures in their order. */
  readonly rank: number;
}

// What a tile may show of a media: still pictures only, smallest first.
const SHOWN_ROLES = new Set(["thumbnail-320", "thumbnail-640", "display-1280", "display-2560", "poster"]);

/** All pieces, newest first. Posts without a picture we can show have none. */
export function piecesOf(state: WallState): Piece[] {
  return newestFirst(state).flatMap(({ post, seq, at, rank }) => {
    const shown = post.media.filter((media) => renditionsOf(media).length > 0);
    return shown.map((media, i) => ({
      key: `${post.id}/${media.id}`,
      post,
      media,
      number: i + 1,
      of: shown.length,
      seq,
      at,
      rank: rank - i / 100,
    }));
  });
}

/** The smallest rendition that fills so many device pixels, else the largest there is. */
export function chooseRendition(media: Media, tile: Viewport, pixelRatio: number): Rendition | null {
  const renditions = renditionsOf(media);
  // A crop shows less than the whole picture: what counts is the side that decides.
  const enough = (rendition: Rendition) =>
    rendition.width >= tile.width * pixelRatio * 0.9 && rendition.height >= tile.height * pixelRatio * 0.9;
  return renditions.find(enough) ?? renditions.at(-1) ?? null;
}

/** The shape as the renditions have it (they are what is painted), else as the record says. */
export function aspectOf(media: Media): number {
  const largest = renditionsOf(media).at(-1) ?? media;
  return largest.width / largest.height;
}

function renditionsOf(media: Media): Rendition[] {
  return media.renditions
    .filter((rendition) => SHOWN_ROLES.has(rendition.role))
    .sort((a, b) => a.width * a.height - b.width * b.height);
}
