/** Which page this is, and the addresses of the others: pure. Secrets stand behind the #, which browsers send to nobody. */

export type Place =
  | { readonly page: "add"; readonly slug: string; readonly key: string | null }
  | {
      readonly page: "receipt";
      readonly slug: string;
      readonly key: string | null;
      readonly guest: string | null;
    }
  /** One upload's own receipt. */
  | { readonly page: "upload"; readonly id: string; readonly key: string | null };

export function placeOf(pathname: string, hash: string): Place {
  const secrets = new URLSearchParams(hash.replace(/^#/, ""));
  const key = secrets.get("key");
  const [first, second = "", third] = pathname.split("/").filter(Boolean).map(decoded);
  if (first === "u") return { page: "upload", id: second, key };
  if (third === "receipt") return { page: "receipt", slug: second, key, guest: secrets.get("guest") };
  return { page: "add", slug: second, key };
}

export function addPath(slug: string, key: string | null): string {
  return `/w/${encodeURIComponent(slug)}/add${behind({ key })}`;
}

export function wallPath(slug: string, key: string | null): string {
  return `/w/${encodeURIComponent(slug)}${behind({ key })}`;
}

/** With `guest` it opens on any device. */
export function receiptPath(slug: string, key: string | null, guest: string | null = null): string {
  return `/w/${encodeURIComponent(slug)}/receipt${behind({ key, guest })}`;
}

function behind(secrets: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(secrets).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
  return given.length === 0 ? "" : `#${new URLSearchParams(given)}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
