/** Shapes beside words, drawn on a 16-pixel grid in the colour of the text. */
import { type SVGTemplateResult, svg } from "lit";
import type { ActionKind, State } from "./types.js";

function icon(shape: SVGTemplateResult): SVGTemplateResult {
  return svg`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor"
    stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shape}</svg>`;
}

const SHAPES = {
  clock: svg`<circle cx="8" cy="8" r="5.75" /><path d="M8 5v3l2 1.5" />`,
  check: svg`<circle cx="8" cy="8" r="5.75" /><path d="m5.5 8.2 1.8 1.8 3.2-3.8" />`,
  minus: svg`<circle cx="8" cy="8" r="5.75" /><path d="M5.5 8h5" />`,
  cross: svg`<circle cx="8" cy="8" r="5.75" /><path d="m6 6 4 4m0-4-4 4" />`,
  alert: svg`<path d="M8 2.5 14 13H2z" /><path d="M8 6.5v3" /><path d="M8 11.3v.1" />`,
  arriving: svg`<path d="M8 2.5v7m-3-3 3 3 3-3" /><path d="M3 13h10" />`,
  undo: svg`<path d="M5.5 3 3 5.5 5.5 8" /><path d="M3 5.5h6a4 4 0 0 1 0 8H6" />`,
  again: svg`<path d="M13 8a5 5 0 1 1-1.6-3.7" /><path d="M13 2.5v3h-3" />`,
  plus: svg`<path d="M8 3.5v9M3.5 8h9" />`,
  pause: svg`<path d="M6 4v8m4-8v8" />`,
  play: svg`<path d="m6 4 6 4-6 4z" />`,
  close: svg`<path d="m4.5 4.5 7 7m0-7-7 7" />`,
  menu: svg`<path d="M3 5h10M3 8h10M3 11h10" />`,
  out: svg`<path d="M9.5 3H13v10H9.5" /><path d="M3 8h7M7.5 5.5 10 8l-2.5 2.5" />`,
  link: svg`<path d="M6.5 3.5H3.5v9h9v-3" /><path d="M9.5 3.5h3v3m0-3L8 8" />`,
  pictures: svg`<rect x="2.5" y="5" width="8.5" height="8" rx="1.5" /><path d="M5.5 2.800h6a2 2 0 0 1 2 2v5.700" />`,
  alike: svg`<rect x="2.5" y="2.500" width="7.500" height="7.500" rx="1.5" /><path d="M12.500 6a1 1 0 0 1 1 1v5.500a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1" />`,
  lock: svg`<rect x="3.5" y="7" width="9" height="6.5" rx="1.5" /><path d="M5.5 7V5a2.500 2.500 0 0 1 5 0v2" />`,
  guests: svg`<circle cx="6" cy="5.500" r="2.500" /><path d="M1.800 13.500c.3-2.700 2-4.200 4.200-4.200s3.900 1.500 4.200 4.200" /><path d="M12.500 6v5M10 8.500h5" />`,
  back: svg`<path d="m9.5 3.5-4.5 4.5 4.5 4.5" />`,
} as const;

export type IconName = keyof typeof SHAPES;

export function shape(name: IconName): SVGTemplateResult {
  return icon(SHAPES[name]);
}

export const STATE_ICONS: Readonly<Record<State, IconName>> = {
  pending: "clock",
  approved: "check",
  rejected: "minus",
  removed: "cross",
  failed: "alert",
  received: "arriving",
};

export const ACTION_ICONS: Readonly<Record<ActionKind, IconName>> = {
  approve: "check",
  reject: "minus",
  remove: "cross",
  restore: "undo",
  retry: "again",
};
