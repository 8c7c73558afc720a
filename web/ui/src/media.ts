/** A picture as the wire and the console's API both say it (docs/wire.md). */

export interface Rendition {
  readonly role: string;
  readonly width: number;
  readonly height: number;
  readonly url: string;
  /** `image/webp`, `video/mp4`; empty where a wall's events name none. */
  readonly type: string;
}

export interface Media {
  readonly id: string;
  readonly kind: "image" | "animation" | "video";
  readonly alt: string;
  readonly width: number;
  readonly height: number;
  /** (x, y) in -1..1, y up, as Mastodon defines it. */
  readonly focus: readonly [number, number] | null;
  readonly thumbhash: string | null;
  /** Seconds of a video, where its file says. */
  readonly duration: number | null;
  readonly renditions: readonly Rendition[];
}

/** What plays of a media, with sound perhaps; null where nothing does. */
export function filmOf(media: Media): Rendition | null {
  if (media.kind !== "video") return null;
  return media.renditions.find((rendition) => rendition.type.startsWith("video/")) ?? null;
}
