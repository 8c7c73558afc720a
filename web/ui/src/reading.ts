/** Unknown JSON, read piece by piece: what is not of the wanted kind is null, never an error. */

export type Fields = Record<string, unknown>;

const MAX_ADDRESS = 4_000;
// A side no decoder of ours accepts; keeps aspect ratios finite.
const MAX_SIDE = 100_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: browsers drop these from addresses, so we refuse them
const UNSAFE_PATH = /[\u0000-\u0020\\]/;

/** An address on this installation: an absolute path, nothing that a browser would read as another host. */
export function localAddress(value: unknown): string | null {
  if (typeof value !== "string" || value.length > MAX_ADDRESS) return null;
  if (!value.startsWith("/") || value.startsWith("//") || UNSAFE_PATH.test(value)) return null;
  return value;
}

export function webAddress(value: unknown): string | null {
  if (typeof value !== "string" || value.length > MAX_ADDRESS || !URL.canParse(value)) return null;
  const { protocol } = new URL(value);
  return protocol === "https:" || protocol === "http:" ? value : null;
}

export function object(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

export function list(value: unknown, limit: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, limit) : [];
}

export function text(value: unknown, limit: number): string | null {
  return typeof value === "string" ? value.slice(0, limit) : null;
}

export function count(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

export function side(value: unknown): number | null {
  return typeof value === "number" && value >= 1 && value <= MAX_SIDE ? value : null;
}

export function time(value: unknown): number | null {
  if (typeof value !== "string" || value.length > 40) return null;
  const moment = Date.parse(value);
  return Number.isFinite(moment) ? moment : null;
}

export function present<T>(value: T | null): value is T {
  return value !== null;
}
