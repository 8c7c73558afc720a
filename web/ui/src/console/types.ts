/** What the console's API answers (web/console/answers.py), in TypeScript. Times are RFC 3339 texts. */

import type { Media } from "../media.js";

export const STATES = ["pending", "approved", "rejected", "removed", "failed", "received"] as const;
export type State = (typeof STATES)[number];
export type Policy = "open" | "hold";
export type ActionKind = "approve" | "reject" | "remove" | "restore" | "retry";
export type HintKind = "walls" | "posts" | "searches" | "health";

export interface Wall {
  readonly slug: string;
  readonly title: string;
  readonly policy: Policy;
  readonly counts: Readonly<Record<State, number>>;
  /** The path of a secret wall's link; null where the wall is public. */
  readonly link: string | null;
  /** Hours for which the bytes of what was taken off it are kept. */
  readonly retention: number;
  /** Viewers may have originals. */
  readonly downloads: boolean;
}

/** What guests may add to a wall (wall/uploads.py), and how the wall asks for it. */
export interface Guests {
  readonly enabled: boolean;
  readonly opens: string | null;
  readonly closes: string | null;
  readonly consent: string;
  readonly name_required: boolean;
  readonly video: boolean;
  readonly image_bytes: number;
  readonly video_bytes: number;
  readonly wall_bytes: number;
  readonly wall_posts: number;
  readonly guest_bytes: number;
  readonly guest_posts: number;
  readonly only: boolean;
  readonly reveal_at: string | null;
  /** The path of the page where guests add; on a secret wall with the key that adds and opens nothing else. */
  readonly link: string;
  /** The wall shows a code that leads there, in this corner. */
  readonly qr: boolean;
  readonly corner: Corner;
}

export const CORNERS = ["top-left", "top-right", "bottom-left"] as const;
export type Corner = (typeof CORNERS)[number];

export interface Part {
  readonly part: string;
  readonly ok: boolean;
  readonly silent: boolean;
  readonly sentence: string;
  readonly since: string;
  readonly at: string;
}

export interface Overview {
  readonly operator: string;
  readonly token: string;
  readonly expires_at: string;
  readonly now: string;
  readonly networks: readonly string[];
  readonly walls: readonly Wall[];
  readonly health: readonly Part[];
}

export interface Search {
  readonly id: string;
  readonly wall: string;
  readonly network: string;
  readonly query: string;
  readonly enabled: boolean;
  readonly next_at: string;
  readonly swept_at: string | null;
  readonly note: string;
  readonly error: string | null;
  readonly error_at: string | null;
  readonly failures: number;
}

export interface Post {
  readonly id: string;
  readonly wall: string;
  readonly state: State;
  readonly revision: number;
  readonly shown: boolean;
  readonly reason: string | null;
  readonly source: string;
  readonly url: string | null;
  readonly author: { readonly name: string; readonly handle: string; readonly avatar: string | null };
  readonly text: string;
  readonly created: string;
  readonly received: string;
  readonly ready: string | null;
  readonly changed: string;
  readonly media: readonly Media[];
  readonly media_errors: readonly string[];
  /** Other posts of the wall with a picture that looks the same, nearest first. */
  readonly similar: readonly Similar[];
}

/** `distance`: 0 (as good as equal) to 6. `picture`: the one that looks the same; null once its bytes are gone. */
export interface Similar {
  readonly post: string;
  readonly author: string;
  readonly source: string;
  readonly state: State;
  readonly received: string;
  readonly distance: number;
  readonly picture: Media | null;
}

export interface PostPage {
  readonly posts: readonly Post[];
  readonly next: string | null;
}

export interface Action {
  readonly kind: ActionKind;
  readonly operator: string;
  readonly reason: string;
  readonly revision: number;
  readonly at: string;
}

export interface Story {
  readonly post: Post;
  readonly actions: readonly Action[];
}
