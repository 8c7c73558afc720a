/** The console's API over HTTP. Every failure becomes a `Refusal` with a sentence that can be shown. */
import type { ActionKind, Guests, Overview, Policy, Post, PostPage, Search, State, Story } from "./types.js";

const API = "/api/console";
const TIMEOUT_MILLISECONDS = 15_000;

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    sentence: string,
    /** With `moved`: who was quicker. */
    readonly by: string | null = null,
  ) {
    super(sentence);
  }
}

export class Api {
  /** From the overview; goes with every write. */
  token = "";

  overview(): Promise<Overview> {
    return this.#ask<Overview>("GET", "/state");
  }

  async searches(): Promise<readonly Search[]> {
    return (await this.#ask<{ searches: Search[] }>("GET", "/searches")).searches;
  }

  posts(wall: string, state: State, limit: number, before: string | null = null): Promise<PostPage> {
    const query = new URLSearchParams({ state, limit: String(limit) });
    if (before !== null) query.set("before", before);
    return this.#ask<PostPage>("GET", `/walls/${wall}/posts?${query}`);
  }

  story(postId: string): Promise<Story> {
    return this.#ask<Story>("GET", `/posts/${postId}`);
  }

  /** `leaving`: the page is going away and the browser must finish the request by itself. */
  act(post: Post, kind: ActionKind, leaving = false): Promise<Post> {
    const body = { kind, state: post.state, revision: post.revision };
    return this.#ask<Post>("POST", `/posts/${post.id}/actions`, body, leaving);
  }

  setPolicy(wall: string, policy: Policy): Promise<unknown> {
    return this.#ask("PUT", `/walls/${wall}/policy`, { policy });
  }

  guests(wall: string): Promise<Guests> {
    return this.#ask<Guests>("GET", `/walls/${wall}/guests`);
  }

  /** Changes what is given. */
  changeGuests(wall: string, changes: Partial<Guests>): Promise<Guests> {
    return this.#ask<Guests>("PATCH", `/walls/${wall}/guests`, changes);
  }

  /** Changes what is given: hours, and whether viewers may have originals. */
  changeWall(wall: string, changes: { retention?: number; downloads?: boolean }): Promise<unknown> {
    return this.#ask("PATCH", `/walls/${wall}`, changes);
  }

  addSearch(wall: string, network: string, query: string): Promise<Search> {
    return this.#ask<Search>("POST", `/walls/${wall}/searches`, { network, query });
  }

  pause(searchId: string): Promise<unknown> {
    return this.#ask("POST", `/searches/${searchId}/pause`, {});
  }

  goOn(searchId: string): Promise<unknown> {
    return this.#ask("POST", `/searches/${searchId}/go-on`, {});
  }

  removeSearch(searchId: string): Promise<unknown> {
    return this.#ask("DELETE", `/searches/${searchId}`, {});
  }

  signOut(): Promise<unknown> {
    return this.#ask("POST", "/sign-out", {});
  }

  async #ask<T>(method: string, path: string, body?: unknown, leaving = false): Promise<T> {
    const headers: Record<string, string> = {};
    if (method !== "GET") {
      headers["content-type"] = "application/json";
      headers["frieze-token"] = this.token;
    }
    let response: Response;
    try {
      response = await fetch(API + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: "same-origin",
        keepalive: leaving,
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      });
    } catch {
      throw new Refusal(0, "unreachable", "The server does not answer.");
    }
    if (!response.ok) throw await refusalOf(response);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  try {
    const { error } = await response.json();
    return new Refusal(response.status, String(error.code), String(error.sentence), error.by ?? null);
  } catch {
    return new Refusal(response.status, "unreachable", `The server answered ${response.status}.`);
  }
}
