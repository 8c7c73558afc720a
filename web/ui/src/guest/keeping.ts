/** What this browser keeps of a guest: the token that says who they are, and their name. */

const TOKEN = "frieze-guest";
const NAME = "frieze-guest-name";
/** 256 random bits; docs/wire.md asks for at least 128. */
const TOKEN_BYTES = 32;
const VALID = /^[A-Za-z0-9_-]{22,64}$/;

export type Kept = Pick<Storage, "getItem" | "setItem">;

export interface Guest {
  readonly token: string;
  /** Whether the token outlives this page. */
  readonly kept: boolean;
}

/**
 * The guest token of this browser, made up at the first visit. `given`: one that came with a link, which goes first on
 * this page and is not kept: whoever made the link knows it, and nobody shall add anything under another's token.
 */
export function guestOf(
  storage: Kept | null,
  given: string | null,
  random: (bytes: Uint8Array<ArrayBuffer>) => void,
): Guest {
  const known = get(storage, TOKEN);
  if (given !== null && VALID.test(given)) return { token: given, kept: given === known };
  if (known !== null && VALID.test(known)) return { token: known, kept: true };
  const bytes = new Uint8Array(TOKEN_BYTES);
  random(bytes);
  const token = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  return { token, kept: put(storage, TOKEN, token) };
}

export function nameOf(storage: Kept | null): string {
  return get(storage, NAME) ?? "";
}

export function keepName(storage: Kept | null, name: string): void {
  put(storage, NAME, name);
}

/** The browser's storage, or null where it keeps nothing for us. */
export function storageOf(page: { readonly localStorage: Storage }): Storage | null {
  try {
    return page.localStorage;
  } catch {
    return null;
  }
}

function get(storage: Kept | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function put(storage: Kept | null, key: string, value: string): boolean {
  try {
    storage?.setItem(key, value);
    return storage !== null;
  } catch {
    // Full, or a private window: the page works, and says that its receipt is worth copying.
    return false;
  }
}
