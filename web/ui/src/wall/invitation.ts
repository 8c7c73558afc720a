/** How the wall asks for pictures: a code for phones and the address beside it. */

import { correction, generate } from "lean-qr";
import { toSvgPath } from "lean-qr/extras/svg";
import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from "lit";

/** Modules of light around the code; ISO/IEC 18004 §5.3.8 asks for four. */
const QUIET = 4;

/** What was drawn last: the address hardly ever changes, and a code takes some milliseconds. */
let drawn: { readonly address: string; readonly code: SVGTemplateResult } | null = null;

/**
 * Beside the code stands the address as people read it aloud: without the scheme, and without secrets. `withCode`: where
 * the operator wants one. On phones there is none; a button leads to the page.
 */
export function invitation(address: URL, withCode: boolean): TemplateResult {
  return html`<a class="invitation" href=${address.href}>
    ${withCode ? html`<span class="code">${codeOf(address.href)}</span>` : nothing}
    <span class="words">
      <strong>Add your pictures</strong>
      <span class="address" dir="ltr">${address.host}<wbr />${address.pathname}</span>
    </span>
  </a>`;
}

/** The modules' outline and how many there are on a side, with the light around them. */
export function outlineOf(address: string): { readonly path: string; readonly side: number } {
  const code = generate(address, { minCorrectionLevel: correction.M });
  return { path: toSvgPath(code), side: code.size + 2 * QUIET };
}

function codeOf(address: string): SVGTemplateResult {
  if (drawn?.address === address) return drawn.code;
  const { path, side } = outlineOf(address);
  // Dark on light in every theme: many phones read nothing else.
  const code = svg`<svg viewBox="${-QUIET} ${-QUIET} ${side} ${side}" shape-rendering="crispEdges" role="img"
    aria-label="QR code of the page where pictures are added"><path d=${path} fill="#0a0c10"></path></svg>`;
  drawn = { address, code };
  return code;
}
