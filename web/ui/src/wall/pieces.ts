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

/**
 * The renditions worth trying for a screen of so many pixels that shows the picture whole, the best first; the last one
 * is at hand. Larger sizes may be made when somebody first asks for them, so they are tried without being listed.
 */
export function wholesOf(media: Media, screen: Viewport, pixelRatio: number): Rendition[] {
  const listed = renditionsOf(media);
  const largest = listed.at(-1);
  if (largest === undefined) return [];
  const side = Math.max(media.width, media.height);
  const had = Math.max(largest.width, largest.height);
  const unlisted = DISPLAYS.filter(({ below, side: of }) => Math.max(had, below) < Math.min(of, side)).map(
    ({ role, side: of }) => {
      const scale = Math.min(1, of / side);
      return {
        role,
        width: media.width * scale,
        height: media.height * scale,
        type: "image/webp",
        url: `/media/${media.id}/${role}`,
      };
    },
  );
  const all = media.kind === "image" ? [...listed, ...unlisted] : listed;
  const aspect = largest.width / largest.height;
  const width = Math.min(screen.width, screen.height * aspect) * pixelRatio * 0.9;
  const enough = all.findIndex((rendition) => rendition.width >= width);
  const best = enough < 0 ? all : all.slice(0, enough + 1);
  return best.reverse();
}

const DISPLAYS = [
  { role: "display-1280", below: 640, side: 1280 },
  { role: "display-2560", below: 1280, side: 2560 },
] as const;

/** The light form of an animated picture. */
export function animationOf(media: Media): Rendition | null {
  if (media.kind !== "animation") return null;
  return media.renditions.find((rendition) => rendition.role.startsWith("animated")) ?? null;
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
