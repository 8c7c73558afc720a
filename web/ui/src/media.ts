/** A picture as the wire and the console's API both say it (docs/wire.md). */

export interface Rendition {
  readonly role: string;
  readonly width: number;
  readonly height: number;
  readonly url: string;
  /** `image/webp`, `video/mp4`; the console's API leaves it out. */
  readonly type?: string;
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
  readonly duration?: number | null;
  readonly renditions: readonly Rendition[];
}
