/** Pictures of posts: the rendition to take for a size, and the blur that holds its place. */
import { thumbHashToDataURL } from "thumbhash";
import type { Media, Rendition } from "../media.js";

// Blurs are some 3 KB each; the newest ones are what is on screen.
const BLURS = 400;
const blurs = new Map<string, string>();

/** The smallest picture that fills `width` device pixels, or the largest there is; of a video, a still. */
export function renditionFor(media: Media, width: number): Rendition | null {
  const pictures = media.renditions.filter((rendition) => rendition.type.startsWith("image/"));
  const sorted = pictures.sort((a, b) => a.width - b.width);
  return sorted.find((rendition) => rendition.width >= width) ?? sorted.at(-1) ?? null;
}

/** The blur as a data address, or null when there is none. */
export function blurOf(media: Media): string | null {
  if (media.thumbhash === null) return null;
  const known = blurs.get(media.thumbhash);
  if (known !== undefined) return known || null;
  let made = "";
  try {
    const bytes = Uint8Array.from(atob(media.thumbhash), (character) => character.charCodeAt(0));
    // a hash has 5 to 25 bytes; anything else draws nonsense
    if (bytes.length >= 5) made = thumbHashToDataURL(bytes);
  } catch {
    // not base64: the place stays plain
  }
  if (blurs.size >= BLURS) blurs.delete(blurs.keys().next().value as string);
  blurs.set(media.thumbhash, made);
  return made || null;
}

/** Where the middle of a crop should be, as `object-position`. Focus has y up, CSS has y down. */
export function focusOf(media: Media): string {
  if (media.focus === null) return "50% 50%";
  const [x, y] = media.focus;
  return `${Math.round(50 + x * 50)}% ${Math.round(50 - y * 50)}%`;
}

/** What to say of a picture to those who do not see it. */
export function altOf(media: Media): string {
  return media.alt || "Picture without a description";
}
