/** The light behind the pictures: four soft fields in the colours of what is shown, drifting slowly. */

import { thumbHashToAverageRGBA } from "thumbhash";

const BRIGHTEST = 0.62;

/** The average colours of the first four readable hashes, as CSS colours. */
export function ambientColours(hashes: readonly (string | null)[]): string[] {
  const colours: string[] = [];
  for (const hash of hashes) {
    if (colours.length === 4) break;
    const colour = hash === null ? null : average(hash);
    if (colour !== null) colours.push(colour);
  }
  return colours;
}

/** Gives the fields their colours; with none, the theme's own stay. */
export function lightUp(element: HTMLElement, colours: readonly string[]): void {
  for (let i = 0; i < 4; i++) {
    const colour = colours[i % Math.max(1, colours.length)];
    if (colour) element.style.setProperty(`--drift-${i + 1}`, colour);
    else element.style.removeProperty(`--drift-${i + 1}`);
  }
}

function average(hash: string): string | null {
  try {
    const { r, g, b } = thumbHashToAverageRGBA(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)));
    const grey = (r + g + b) / 3;
    // Averages are dull: the mean of a sunset is brown. Further from grey, and never so bright that text would suffer.
    const vivid = [r, g, b].map((part) => Math.max(0, grey + (part - grey) * 1.9));
    const dim = Math.min(1, BRIGHTEST / Math.max(0.01, ...vivid));
    const [red, green, blue] = vivid.map((part) => Math.round(part * dim * 255));
    return `rgb(${red} ${green} ${blue})`;
  } catch {
    return null;
  }
}
