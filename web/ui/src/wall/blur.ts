/** What stands where a picture will be: its ThumbHash, drawn. */

import { thumbHashToRGBA } from "thumbhash";

/** Draws a ThumbHash; false when there is none that can be read. */
export function drawBlur(canvas: HTMLCanvasElement, hash: string | null): boolean {
  if (hash === null) return false;
  try {
    const bytes = Uint8Array.from(atob(hash), (char) => char.charCodeAt(0));
    const { w, h, rgba } = thumbHashToRGBA(bytes);
    canvas.width = w;
    canvas.height = h;
    const pixels = new ImageData(new Uint8ClampedArray(rgba), w, h);
    canvas.getContext("2d")?.putImageData(pixels, 0, 0);
    return true;
  } catch {
    // Not base64, or cut short: the ground is there instead.
    return false;
  }
}
