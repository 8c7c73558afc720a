/** Small marks that say where a post is from, drawn as SVG in the text's colour. */

import { sourceName } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

// Each on a 16 by 16 grid, drawn for this page.
const PATHS: Record<string, string> = {
  x: "M2.5 2h3.4l2.8 4L12 2h1.6L9.4 7.1 14 14h-3.4L7.5 9.5 3.6 14H2l4.8-5.6zm2 1.2 6.7 9.6h1L5.5 3.2z",
  mastodon:
    "M8 1.5c3.6 0 6 1.4 6 4.6 0 3.3-.6 5-3.2 5.5-1.6.3-3 .3-4.3 0 0 1 1.300 1.700 4.200 1.300v1.200C6.400 15.200 2 14 2 7.500 2 3.200 4.300 1.500 8 1.500zM5 9.300h1.500V6.400c0-1.400 1-1.400 1.500-.6.5-.8 1.500-.8 1.500.6v2.900H11V6c0-2.300-2.100-2.700-3-1.400C7.100 3.300 5 3.700 5 6z",
  bluesky:
    "M8 7.200C7.200 5.500 5 2.500 3 2.200 1.700 2 1.400 3 1.600 4.600c.1 1.300.5 3.500 1 4 .7.800 1.700.900 2.700.7-1.700.4-2.700 1.300-1.500 2.800 1.900 2.200 3.300.4 4.200-1.600.9 2 2.300 3.800 4.200 1.600 1.200-1.500.2-2.400-1.500-2.800 1 .2 2 .1 2.700-.7.5-.5.9-2.700 1-4 .2-1.600-.1-2.600-1.400-2.400-2 .3-4.200 3.300-5 5z",
  folder: "M2 3.500h4.300L8 5.300h6v7.200H2z",
  demo: "M8 1.500 9.600 6.400 14.500 8 9.600 9.600 8 14.500 6.400 9.600 1.500 8l4.900-1.600z",
  upload: "M8 2l4.500 4.700h-3V11h-3V6.700h-3zM3 12.500h10V14H3z",
};

const OTHER = "M8 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9z";

export function sourceMark(source: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "mark");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", sourceName(source));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[source] ?? OTHER);
  svg.append(path);
  return svg;
}
