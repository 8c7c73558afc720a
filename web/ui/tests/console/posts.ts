/** Posts and an overview as the API gives them, for tests. */
import { type Change, type Model, reduce, START } from "../../src/console/model.js";
import type { Overview, Post, State } from "../../src/console/types.js";

export function post(id: string, fields: Partial<Post> = {}): Post {
  return {
    id,
    wall: "main",
    state: "pending",
    revision: 1,
    shown: false,
    reason: null,
    source: "demo",
    url: null,
    author: { name: "Ada", handle: "@ada", avatar: null },
    text: "Hello",
    created: "2026-11-21T10:00:00Z",
    received: "2026-11-21T10:00:01Z",
    ready: "2026-11-21T10:00:02Z",
    changed: "2026-11-21T10:00:02Z",
    media: [],
    media_errors: [],
    similar: [],
    ...fields,
  };
}

export function overview(counts: Partial<Record<State, number>> = {}): Overview {
  const none = { pending: 0, approved: 0, rejected: 0, removed: 0, failed: 0, received: 0 };
  return {
    operator: "Ada",
    token: "t",
    expires_at: "2026-12-21T10:00:00Z",
    now: "2026-11-21T10:00:00Z",
    networks: ["demo"],
    walls: [
      {
        slug: "main",
        title: "Main",
        policy: "hold",
        counts: { ...none, ...counts },
        link: null,
        retention: 24,
        downloads: false,
      },
      {
        slug: "stage",
        title: "Stage",
        policy: "open",
        counts: none,
        link: null,
        retention: 24,
        downloads: false,
      },
    ],
    health: [],
  };
}

export function modelAfter(...changes: readonly Change[]): Model {
  return changes.reduce(reduce, START);
}

/** A desk at work: three pending posts, the first one selected. */
export function atWork(...ids: readonly string[]): Model {
  return modelAfter(
    { type: "overview", overview: overview({ pending: ids.length }) },
    { type: "page", wall: "main", view: "pending", page: { posts: ids.map((id) => post(id)), next: null } },
  );
}
