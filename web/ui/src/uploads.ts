/** What a wall takes from guests (docs/wire.md, "Guests add pictures"), as the wall page and the add page know it. */

import { count, list, localAddress, object, present, text, time } from "./reading.js";

export interface Uploads {
  /** What the server said when it was asked; `isOpen` knows better. */
  readonly open: boolean;
  /** Milliseconds since 1970 by the server's clock, null: no bound. */
  readonly opens: number | null;
  readonly closes: number | null;
  /** What a guest must agree to; empty: nothing. */
  readonly consent: string;
  readonly nameRequired: boolean;
  readonly video: boolean;
  readonly imageBytes: number;
  readonly videoBytes: number;
  /** Guests add here and see nothing else. */
  readonly only: boolean;
  readonly revealAt: number | null;
  /** Media types, such as `image/jpeg`. */
  readonly types: readonly string[];
  /** The path of the page where guests add, where it is another than the wall's own. */
  readonly link: string | null;
}

const MAX_CONSENT = 10_000;
const MAX_TYPES = 100;

export function readUploads(value: unknown): Uploads | null {
  const fields = object(value);
  const imageBytes = count(fields?.["image_bytes"]);
  const videoBytes = count(fields?.["video_bytes"]);
  if (fields === null || imageBytes === null || videoBytes === null) return null;
  return {
    open: fields["open"] === true,
    opens: time(fields["opens"]),
    closes: time(fields["closes"]),
    consent: text(fields["consent"], MAX_CONSENT)?.trim() ?? "",
    nameRequired: fields["name_required"] === true,
    video: fields["video"] === true,
    imageBytes,
    videoBytes,
    only: fields["only"] === true,
    revealAt: time(fields["reveal_at"]),
    types: list(fields["types"], MAX_TYPES)
      .map((type) => text(type, 80))
      .filter(present),
    link: localAddress(fields["link"]),
  };
}

/** Whether guests may add something at this moment of the server's clock, however long ago the server was asked. */
export function isOpen(uploads: Uploads, now: number): boolean {
  if (uploads.opens === null && uploads.closes === null) return uploads.open;
  return (
    (uploads.opens === null || now >= uploads.opens) && (uploads.closes === null || now < uploads.closes)
  );
}

/** The path at which guests add to a wall; `key` is that of a secret wall's link. */
export function addPath(slug: string, uploads: Uploads, key: string | null): string {
  if (uploads.link !== null) return uploads.link;
  const path = `/w/${encodeURIComponent(slug)}/add`;
  return key === null ? path : `${path}#key=${encodeURIComponent(key)}`;
}
