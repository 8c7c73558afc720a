/**
 * A small picture of a chosen file, made in this browser: as a `blob:` address, or null where it can't (HEIC in most).
 *
 * A phone's pictures have twelve megapixels and more; twenty of them as they are would be too much for its memory. So
 * each is decoded once, small, and one after the other.
 */

const SIDE = 256;
const VIDEO_MS = 5_000;

let line: Promise<unknown> = Promise.resolve();

export function previewOf(file: File, video: boolean): Promise<string | null> {
  const mine = line.then(() => (video ? frameOf(file) : pictureOf(file))).catch(() => null);
  line = mine;
  return mine;
}

async function pictureOf(file: File): Promise<string | null> {
  const whole = await createImageBitmap(file, { resizeWidth: SIDE * 2, resizeQuality: "medium" });
  try {
    return await squareOf(whole, whole.width, whole.height);
  } finally {
    whole.close();
  }
}

async function frameOf(file: File): Promise<string | null> {
  const address = URL.createObjectURL(file);
  const film = document.createElement("video");
  film.muted = true;
  film.playsInline = true;
  film.preload = "auto";
  try {
    film.src = address;
    await happens(film, "loadeddata");
    film.currentTime = Math.min(0.1, film.duration || 0);
    await happens(film, "seeked");
    return await squareOf(film, film.videoWidth, film.videoHeight);
  } finally {
    film.removeAttribute("src");
    film.load();
    URL.revokeObjectURL(address);
  }
}

/** The middle square, as a small JPEG. */
async function squareOf(source: CanvasImageSource, width: number, height: number): Promise<string | null> {
  if (width === 0 || height === 0) return null;
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const side = Math.min(width, height);
  canvas
    .getContext("2d")
    ?.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.82));
  return blob && URL.createObjectURL(blob);
}

function happens(film: HTMLVideoElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = () => reject(new Error(`this film has no ${event}`));
    const timer = setTimeout(give, VIDEO_MS);
    film.onerror = give;
    film.addEventListener(event, () => resolve(), { once: true });
    film.addEventListener(event, () => clearTimeout(timer), { once: true });
  });
}
