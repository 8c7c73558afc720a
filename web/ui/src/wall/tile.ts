/**
 * One picture on the glass: its blur, the picture, its caption. Nodes are made once and used for picture after
 * picture. Text goes in as text nodes and addresses as properties; there is no HTML from anybody here.
 */

import { duration } from "../duration.js";
import { filmOf, type Rendition } from "../media.js";
import { drawBlur } from "./blur.js";
import type { Placed } from "./layout.js";
import { sourceMark } from "./marks.js";
import type { Piece } from "./pieces.js";
import { altText, displayName, flowing, handleOf, relativeTime } from "./words.js";

export interface Motion {
  readonly reduced: boolean;
  /** Milliseconds, from the tokens. */
  readonly move: number;
  readonly fade: number;
  readonly easing: (t: number) => number;
}

const FRAMES = 20;
// A film that is not on the glass by then gives its turn to the next.
const FIRST_FRAME_MS = 10_000;

export class Tile {
  readonly element = document.createElement("figure");
  piece: Piece | null = null;
  /** Server-clock milliseconds at which its picture was on the glass. */
  painted: number | null = null;
  /** Whether its caption can hold what the post says. */
  roomy = true;
  /** The addresses of the picture shown and of the one on its way. */
  source = "";
  loading = "";

  readonly #picture = div("picture");
  readonly #blur = document.createElement("canvas");
  #image = document.createElement("img");
  readonly #caption = document.createElement("figcaption");
  readonly #avatar = document.createElement("span");
  readonly #name = span("name");
  readonly #handle = span("handle");
  readonly #time = document.createElement("time");
  readonly #mark = span("source");
  readonly #count = span("count");
  readonly #length = span("length");
  readonly #text = div("text");
  #rect: Placed | null = null;
  #moving: Animation[] = [];
  #captionTimer: ReturnType<typeof setTimeout> | undefined;
  #film: HTMLVideoElement | HTMLImageElement | null = null;
  #filmTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#time.className = "when";
    this.element.className = "tile";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "button");
    this.element.setAttribute("aria-haspopup", "dialog");
    this.#blur.className = "blur";
    this.#blur.setAttribute("aria-hidden", "true");
    this.#avatar.className = "avatar";
    this.#avatar.setAttribute("aria-hidden", "true");
    this.#caption.className = "caption";
    // Names and texts of every script, each in its own direction.
    for (const element of [this.#name, this.#handle, this.#text]) element.dir = "auto";
    const who = div("who");
    who.append(this.#avatar, this.#name, this.#handle, this.#mark, this.#time);
    this.#caption.append(who, this.#text);
    this.#picture.append(this.#blur, this.#image);
    const corner = div("corner");
    corner.append(this.#length, this.#count);
    this.element.append(this.#picture, this.#caption, corner);
  }

  /** Pixels across of the picture shown; 0 while there is none. */
  get sharpness(): number {
    return this.source === "" ? 0 : this.#image.naturalWidth;
  }

  get rect(): Placed | null {
    return this.#rect;
  }

  get playing(): boolean {
    return this.#film !== null;
  }

  /** Takes a piece: the caption and the blur at once, the picture when `show` is called. */
  assign(piece: Piece, now: number): void {
    this.stop();
    this.painted = null;
    this.source = "";
    this.loading = "";
    this.element.classList.remove("shown", "captioned", "leaving");
    this.update(piece, now);
    this.#blur.hidden = !drawBlur(this.#blur, piece.media.thumbhash);
    this.#showImage(document.createElement("img"));
  }

  /** A newer revision of the same picture's post. */
  update(piece: Piece, now: number): void {
    this.piece = piece;
    const { post } = piece;
    const { dataset } = this.element;
    dataset["post"] = post.id;
    dataset["media"] = piece.media.id;
    dataset["seq"] = String(piece.seq);
    this.#name.textContent = displayName(post);
    this.#handle.textContent = handleOf(post);
    this.#text.textContent = piece.number === 1 ? flowing(post.text) : "";
    this.#count.textContent = piece.of > 1 ? `${piece.number}/${piece.of}` : "";
    this.#count.hidden = piece.of < 2;
    this.#length.hidden = filmOf(piece.media) === null;
    this.#length.textContent = piece.media.duration ? duration(piece.media.duration * 1_000) : "Video";
    this.#mark.replaceChildren(sourceMark(post.source));
    this.#image.alt = altText(piece);
    showAvatar(this.#avatar, piece);
    this.tell(now);
  }

  /** Brings the relative time up to date. */
  tell(now: number): void {
    if (this.piece === null) return;
    const { created } = this.piece.post;
    this.#time.dateTime = new Date(created).toISOString();
    this.#time.textContent = relativeTime(created, now);
  }

  /** Puts a decoded picture in; it fades in over the blur. */
  show(image: HTMLImageElement, motion: Motion): void {
    const before = this.source !== "" && this.element.classList.contains("shown");
    this.source = image.getAttribute("src") ?? "";
    this.loading = "";
    this.#showImage(image);
    this.element.classList.add("shown");
    // A sharper rendition of the picture already there just takes its place.
    if (before) return;
    image.animate([{ opacity: 0 }, { opacity: 1 }], { duration: motion.fade, easing: "ease-out" });
    if (motion.reduced) return;
    this.#picture.animate([{ transform: "scale(0.98)" }, { transform: "none" }], {
      duration: motion.move,
      easing: "cubic-bezier(0.22, 1, 0.36, 1)",
    });
  }

  /** Shows the caption for so many milliseconds. */
  speak(milliseconds: number): void {
    clearTimeout(this.#captionTimer);
    this.element.classList.add("captioned");
    this.#captionTimer = setTimeout(() => this.element.classList.remove("captioned"), milliseconds);
  }

  /**
   * Plays a film without sound, or an animation, in place over the picture for at most `longest` milliseconds. `ended`
   * is called once, however it ends by itself.
   */
  play(moving: Rendition, longest: number, motion: Motion, ended: () => void): void {
    this.stop();
    const film = moving.type.startsWith("video/") ? filmElement() : document.createElement("img");
    film.className = "image film";
    film.setAttribute("aria-hidden", "true");
    film.style.objectPosition = this.#image.style.objectPosition;
    const end = () => {
      if (this.#film !== film) return;
      this.#film = null;
      this.element.classList.remove("playing");
      clearTimeout(this.#filmTimer);
      if (film instanceof HTMLVideoElement) film.pause();
      const fading = film.animate([{ opacity: film.style.opacity || "0" }, { opacity: 0 }], motion.fade);
      fading.onfinish = () => discard(film);
      ended();
    };
    const begin = () => {
      if (film.style.opacity === "1") return;
      film.style.opacity = "1";
      this.element.classList.add("playing");
      film.animate([{ opacity: 0 }, { opacity: 1 }], { duration: motion.fade });
      clearTimeout(this.#filmTimer);
      this.#filmTimer = setTimeout(end, longest);
    };
    film.onplaying = begin;
    film.onended = end;
    film.onerror = end;
    this.#film = film;
    this.#filmTimer = setTimeout(end, FIRST_FRAME_MS);
    this.#picture.append(film);
    film.src = moving.url;
    if (film instanceof HTMLVideoElement) film.play().catch(end);
    else film.decode().then(begin, end);
  }

  /** Stops at once what plays. */
  stop(): void {
    const film = this.#film;
    this.#film = null;
    this.element.classList.remove("playing");
    clearTimeout(this.#filmTimer);
    if (film) discard(film);
  }

  /** Goes to its place; with motion, from where it is now. */
  moveTo(rect: Placed, motion: Motion | null): void {
    const from = this.#rect && this.#visualRect(this.#rect);
    this.#rect = rect;
    for (const animation of this.#moving) animation.cancel();
    this.#moving = [];
    const { style } = this.element;
    style.width = `${rect.width}px`;
    style.height = `${rect.height}px`;
    style.transform = `translate(${rect.x}px, ${rect.y}px)`;
    this.element.classList.toggle("whole", rect.fit === "contain");
    this.#image.style.objectPosition = `${rect.position[0]}% ${rect.position[1]}%`;
    if (this.#film) this.#film.style.objectPosition = this.#image.style.objectPosition;
    if (from && motion && !motion.reduced && differs(from, rect)) this.#glide(from, rect, motion);
  }

  /** How many lines of text the caption has room for, in a tile of this size. */
  room(emPixels: number): void {
    if (this.#rect === null) return;
    const { width, height } = this.#rect;
    const lines = Math.floor((height * 0.62) / (emPixels * 1.32) - 2.4);
    this.element.style.setProperty("--lines", String(Math.max(0, Math.min(3, lines))));
    const { classList } = this.element;
    classList.toggle("brief", lines < 1 || width < emPixels * 9);
    classList.toggle("narrow", width < emPixels * 17);
    classList.toggle("slim", width < emPixels * 11);
    classList.toggle("sliver", width < emPixels * 8);
    this.roomy = lines >= 2 && width >= emPixels * 14;
  }

  /** Leaves softly, displaced by a newer picture. */
  leave(motion: Motion, done: () => void): void {
    clearTimeout(this.#captionTimer);
    this.element.classList.add("leaving");
    this.element.inert = true;
    const fading = this.element.animate([{ opacity: 1 }, { opacity: 0 }], {
      duration: motion.fade,
      easing: "ease-in",
      fill: "forwards",
    });
    fading.onfinish = () => {
      fading.cancel();
      done();
    };
  }

  /** Empties the node for its next use; its picture's memory can go. */
  release(): void {
    this.stop();
    clearTimeout(this.#captionTimer);
    for (const animation of this.#moving) animation.cancel();
    this.#moving = [];
    this.element.remove();
    this.element.inert = false;
    this.#showImage(document.createElement("img"));
    this.piece = null;
    this.source = "";
    this.loading = "";
    this.#rect = null;
  }

  #showImage(image: HTMLImageElement): void {
    image.className = "image";
    image.draggable = false;
    if (this.piece) image.alt = altText(this.piece);
    image.style.objectPosition = this.#image.style.objectPosition;
    this.#image.replaceWith(image);
    this.#image = image;
  }

  #visualRect(rect: Placed): Placed {
    if (!this.#moving.some((animation) => animation.playState === "running")) return rect;
    const seen = this.element.getBoundingClientRect();
    return { ...rect, x: seen.x, y: seen.y, width: seen.width, height: seen.height };
  }

  /**
   * Moves and resizes by transform alone. Scaling a box stretches what is in it, so the picture inside gets the
   * opposite stretch, sampled along the same easing.
   */
  #glide(from: Placed, to: Placed, motion: Motion): void {
    const outer: Keyframe[] = [];
    const inner: Keyframe[] = [];
    for (let i = 0; i <= FRAMES; i++) {
      const rest = 1 - motion.easing(i / FRAMES);
      const x = to.x + (from.x - to.x) * rest;
      const y = to.y + (from.y - to.y) * rest;
      const width = 1 + (from.width / to.width - 1) * rest;
      const height = 1 + (from.height / to.height - 1) * rest;
      const cover = Math.max(width, height);
      outer.push({ transform: `translate(${x}px, ${y}px) scale(${width}, ${height})` });
      inner.push({ transform: `scale(${cover / width}, ${cover / height})` });
    }
    const timing = { duration: motion.move };
    this.#moving = [this.element.animate(outer, timing), this.#picture.animate(inner, timing)];
  }
}

function filmElement(): HTMLVideoElement {
  const film = document.createElement("video");
  film.muted = true;
  film.playsInline = true;
  film.disableRemotePlayback = true;
  return film;
}

/** Takes a film away, and its connection with it. */
function discard(film: HTMLVideoElement | HTMLImageElement): void {
  film.onplaying = film.onended = film.onerror = null;
  film.remove();
  film.removeAttribute("src");
  if (film instanceof HTMLVideoElement) film.load();
}

/** The author's picture, or a letter on a colour of their own. */
export function showAvatar(holder: HTMLElement, piece: Piece): void {
  const { avatar } = piece.post.author;
  const letter = [...displayName(piece.post)].find((char) => /\p{L}|\p{N}/u.test(char)) ?? "·";
  holder.style.setProperty("--hue", String(hueOf(piece.post.author.handle || displayName(piece.post))));
  holder.textContent = letter.toLocaleUpperCase();
  if (avatar === null) return;
  const image = document.createElement("img");
  image.alt = "";
  image.onload = () => holder.replaceChildren(image);
  image.src = avatar;
}

/** The same colour for the same author, everywhere. */
function hueOf(name: string): number {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return sum;
}

function differs(a: Placed, b: Placed): boolean {
  return (
    Math.abs(a.x - b.x) > 0.5 ||
    Math.abs(a.y - b.y) > 0.5 ||
    Math.abs(a.width - b.width) > 0.5 ||
    Math.abs(a.height - b.height) > 0.5
  );
}

function div(className: string): HTMLDivElement {
  const element = document.createElement("div");
  element.className = className;
  return element;
}

function span(className: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = className;
  return element;
}
