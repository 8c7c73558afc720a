/** Shapes beside words, drawn on a 24-pixel grid in the colour of the text. */

import { type SVGTemplateResult, svg } from "lit";
import type { UploadState } from "./types.js";

const SHAPES = {
  pictures: svg`<rect x="3.500" y="6.500" width="14" height="14" rx="3" /><path d="M7.500 3.500h9a4 4 0 0 1 4 4v9" /><path d="m3.800 17 3.700-3.700a1.500 1.500 0 0 1 2.100 0l5.900 5.900" /><circle cx="13" cy="11" r="1.100" />`,
  camera: svg`<path d="M4.500 7.500h3l1.500-2.500h6l1.500 2.500h3a1.500 1.500 0 0 1 1.500 1.500v9a1.500 1.500 0 0 1-1.500 1.500h-15A1.500 1.500 0 0 1 3 18V9a1.500 1.500 0 0 1 1.500-1.500z" /><circle cx="12" cy="13.200" r="3.700" />`,
  close: svg`<path d="m7 7 10 10m0-10L7 17" />`,
  check: svg`<path d="m5.500 12.500 4.200 4.200L18.500 7.500" />`,
  clock: svg`<circle cx="12" cy="12" r="8.500" /><path d="M12 7.500V12l3 2" />`,
  alert: svg`<circle cx="12" cy="12" r="8.500" /><path d="M12 7.800v5" /><path d="M12 16.100v.1" />`,
  minus: svg`<circle cx="12" cy="12" r="8.500" /><path d="M8.500 12h7" />`,
  again: svg`<path d="M19 12a7 7 0 1 1-2.100-5" /><path d="M19 4v4h-4" />`,
  back: svg`<path d="m14.500 5.500-6.500 6.500 6.500 6.500" />`,
  film: svg`<path d="m8.500 6 9 6-9 6z" />`,
  screen: svg`<rect x="3.500" y="5" width="17" height="11.500" rx="2" /><path d="M9 20h6" />`,
  link: svg`<path d="M10 14a3.800 3.800 0 0 0 5.400 0l3-3A3.800 3.800 0 0 0 13 5.600l-.8.8" /><path d="M14 10a3.800 3.800 0 0 0-5.400 0l-3 3A3.800 3.800 0 0 0 11 18.400l.8-.8" />`,
  lock: svg`<rect x="5" y="10.500" width="14" height="9.500" rx="2.500" /><path d="M8 10.500V8a4 4 0 0 1 8 0v2.500" />`,
} as const;

export type IconName = keyof typeof SHAPES;

export function shape(name: IconName): SVGTemplateResult {
  return svg`<svg class="icon ${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${SHAPES[name]}</svg>`;
}

export const STATE_ICONS: Readonly<Record<UploadState, IconName>> = {
  leased: "clock",
  receiving: "clock",
  stored: "clock",
  waiting: "clock",
  later: "clock",
  shown: "screen",
  refused: "minus",
  removed: "minus",
  failed: "alert",
  withdrawn: "minus",
  aborted: "alert",
};
