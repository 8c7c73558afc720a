/** What guests ask the server. Every failure is a `Failure` that `retry.ts` can judge. */

import type { During, Failure } from "./retry.js";
import {
  type GuestWall,
  type Lease,
  readLease,
  readRefusal,
  readRetryAfter,
  readUpload,
  readUploadList,
  readWall,
  type Upload,
} from "./types.js";

// Small questions and small answers; on a bad network a phone still gets them in this time.
const TIMEOUT_MS = 20_000;
// The store's final answer may take 120 s (docs/wire.md lets it); a little more than that and nobody is there.
const CONFIRM_MS = 150_000;
// The server gives up on a body that stands still for 30 s; we notice it from our side a little later.
const STALL_MS = 45_000;

export class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.kind);
    this.failure = failure;
  }
}

export interface Asked {
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly sha256?: string;
  readonly author: string;
  readonly caption: string;
  readonly consent: boolean;
  /** The store itself can't be reached from here: not to be sent there. */
  readonly direct?: false;
}

export interface GuestApi {
  wall(): Promise<GuestWall | null>;
  ask(body: Asked, signal: AbortSignal): Promise<Lease>;
  /** Sends the bytes; the upload as the server has it then, or null where `complete` must be said first. */
  send(
    lease: Lease,
    file: Blob,
    progress: (sent: number) => void,
    signal: AbortSignal,
  ): Promise<Upload | null>;
  complete(lease: Lease, signal: AbortSignal): Promise<Upload>;
  /** `key`: of the upload's receipt. */
  look(id: string, key?: string | null): Promise<Upload>;
  list(): Promise<readonly Upload[]>;
  withdraw(id: string, key?: string | null): Promise<Upload>;
}

/** `guest` is the guest token, `key` what a secret wall's link carries. */
export function httpGuestApi(slug: string, guest: string, key: string | null): GuestApi {
  const base = `/api/walls/${encodeURIComponent(slug)}`;
  const ours: Record<string, string> = {
    "x-frieze-guest": guest,
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
  };
  const rights = (receipt: string | null | undefined) =>
    receipt ? { authorization: `Bearer ${receipt}` } : ours;
  const upload = (id: string) => `/api/uploads/${encodeURIComponent(id)}`;

  return {
    wall: async () => {
      const response = await request("look", null, base, { headers: ours });
      if (response.status === 404) return null;
      const wall = await read(response, "look", null, readWall);
      const date = Date.parse(response.headers.get("date") ?? "");
      return Number.isFinite(date) ? { ...wall, ahead: date - Date.now() } : wall;
    },
    ask: async (body, signal) => {
      const response = await request("ask", null, `${base}/uploads`, {
        method: "POST",
        headers: { ...ours, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal,
      });
      return read(response, "ask", null, readLease);
    },
    send: (lease, file, progress, signal) => sendBytes(lease, file, progress, signal),
    complete: async (lease, signal) => {
      const headers = { ...ours, "content-type": "application/json" };
      const options = { method: "POST", headers, body: "", signal };
      const response = await request("complete", lease, lease.complete ?? "", options, CONFIRM_MS);
      return read(response, "complete", lease, readUpload);
    },
    look: async (id, receipt) => {
      const response = await request("look", null, upload(id), { headers: rights(receipt) });
      return read(response, "look", null, readUpload);
    },
    list: async () => {
      const response = await request("look", null, `${base}/uploads`, { headers: ours });
      return read(response, "look", null, readUploadList);
    },
    withdraw: async (id, receipt) => {
      const options = { method: "DELETE", headers: rights(receipt) };
      return read(await request("look", null, upload(id), options), "look", null, readUpload);
    },
  };
}

async function request(
  during: During,
  lease: Lease | null,
  path: string,
  options: RequestInit,
  timeout = TIMEOUT_MS,
): Promise<Response> {
  const given = options.signal ?? null;
  const stop = new AbortController();
  const { signal } = stop;
  for (const one of [given, AbortSignal.timeout(timeout)])
    one?.addEventListener("abort", () => stop.abort(), { once: true });
  try {
    return await fetch(path, { ...options, signal, credentials: "same-origin", cache: "no-store" });
  } catch {
    given?.throwIfAborted();
    throw broken(during, lease);
  }
}

async function read<T>(
  response: Response,
  during: During,
  lease: Lease | null,
  reader: (value: unknown) => T | null,
): Promise<T> {
  let value: unknown = null;
  try {
    value = await response.json();
  } catch {
    // A proxy's page of its own, or an answer cut short: its status has to do.
    if (response.ok) throw broken(during, lease);
  }
  const retryAfter = response.headers.get("retry-after");
  if (!response.ok) throw answered(during, lease, response.status, value, retryAfter);
  const answer = reader(value);
  if (answer === null) throw answered(during, lease, 502, null, null);
  return answer;
}

/** XMLHttpRequest, because `fetch` does not say how far a body has come. */
function sendBytes(
  lease: Lease,
  file: Blob,
  progress: (sent: number) => void,
  signal: AbortSignal,
): Promise<Upload | null> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const allow = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), ms);
    };
    const cancel = () => request.abort();
    request.open(lease.method, lease.url);
    for (const [name, value] of Object.entries(lease.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      progress(event.loaded);
      allow(event.loaded < file.size ? STALL_MS : CONFIRM_MS);
    };
    request.upload.onload = () => {
      progress(file.size);
      allow(CONFIRM_MS);
    };
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      const { status } = request;
      if (signal.aborted) reject(signal.reason);
      else if (status === 0) unreadable(file).then((gone) => reject(gone ? lost() : broken("send", lease)));
      else if (lease.mode === "direct" && status >= 200 && status < 300) resolve(null);
      else {
        const value = parsed(request.responseText);
        const upload = status >= 200 && status < 300 ? readUpload(value) : null;
        if (upload) resolve(upload);
        else reject(answered("send", lease, status, value, request.getResponseHeader("retry-after")));
      }
    };
    signal.addEventListener("abort", cancel);
    allow(STALL_MS);
    request.send(file);
  });
}

/** Whether the file has gone away beneath us: to the page that looks like a broken connection. */
async function unreadable(file: Blob): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return false;
  } catch {
    return true;
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function lost(): Failed {
  return new Failed({ kind: "unreadable" });
}

function broken(during: During, lease: Lease | null): Failed {
  return new Failed({ kind: "broken", during, lease, online: navigator.onLine });
}

function answered(
  during: During,
  lease: Lease | null,
  status: number,
  value: unknown,
  retryAfter: string | null,
): Failed {
  const refusal = readRefusal(value) ?? { code: "", sentence: "", upload: null };
  const wait = readRetryAfter(retryAfter, Date.now());
  return new Failed({ kind: "answer", during, lease, status, ...refusal, retryAfter: wait });
}
