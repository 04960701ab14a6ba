/** What the rooms of one client share: its settings, its server, and who is signed in as far as it is known. */

import type { AuthError } from "./errors.js";
import { type Json, type PostOptions, post, type Server } from "./http.js";
import type { Kept } from "./kept.js";
import { pageAddress } from "./replay.js";
import type { Session } from "./session.js";
import { type Shown, UNKNOWN } from "./state.js";
import { memoryStore, type Store } from "./store.js";
import { type Message, openTabs, type Tabs } from "./tabs.js";

export interface AuthOptions {
  /** Where `django_ironclad.urls` is mounted; default "/auth/". */
  readonly baseURL?: string;
  /** What survives a reload; default `memoryStore()`. */
  readonly store?: Store;
  /** Origins that get the access token; default: that of `baseURL` alone. */
  readonly origins?: readonly string[];
  /** Refresh by a timer, so many seconds before the access token is over; default 0: when a call needs it. */
  readonly refreshBefore?: number;
  /** What sends; default the browser's `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The names with an underscore are the rooms' own: a bundle has shorter ones (scripts/entries.mjs). */
export interface Here extends Shown, Kept, Server, Tabs {
  readonly _byCookie: boolean;
  readonly _origins: readonly string[];

  // What presence.ts says.
  /** The session in force; null where nobody is known to be signed in. */
  _session: Session | null;
  /** Moves when somebody signs in or out: an answer to a question of an earlier epoch is nobody's any more. */
  _epoch: number;
  /** Sessions that are over: no late answer or message brings one back. */
  readonly _ended: Set<string>;
  _disposed?: boolean;

  // What renewal.ts says.
  _renewing?: Promise<Session | null> | undefined;
  /** When the refresh that is under way was asked for. */
  _asked: number;
  _inFlight?: AbortController | undefined;
  /** Ends the wait of a refresh: for other tabs, or between two attempts. */
  _hurry?: () => void;
  /** The server has asked not to be asked again before then, with the token that was kept. */
  _resting?: { until: number; error: AuthError; kept: string } | undefined;

  // What waking.ts says.
  /** How often the page came back from the browser's cache, and whether it has yet to look who is signed in now. */
  _returns: number;
  _looking?: boolean;
  /** Sets the timer for the session in force. */
  _schedule?: () => void;

  /** How often somebody has logged out here: a login that is still under way then must not sign in after all. */
  _logouts: number;
  /** The question who this is, while it is open. */
  _asking?: Promise<unknown> | undefined;
  /** Addresses that refuse even a fresh access token: for this one they are not asked twice. */
  _hopeless?: Set<string>;
}

export function openHere(options: AuthOptions, hear: (message: Message) => void): Here {
  const { fetch } = options;
  const base = new URL(options.baseURL ?? "/auth/", pageAddress()).href.replace(/\/?$/, "/");
  // The number is that of the messages between tabs: an old page and a new one side by side must not misread each other.
  const name = `ironclad:1:${base}`;
  const store = options.store ?? memoryStore();
  const byCookie = store.transport === "cookie";
  return {
    ...openTabs(name, hear),
    _base: base,
    _name: name,
    _unheardName: `${name}:ended`,
    _store: store,
    _byCookie: byCookie,
    _credentials: byCookie ? "include" : "same-origin",
    _origins: (options.origins ?? [base]).map((origin) => new URL(origin).origin),
    // Looked up late, so that whoever replaces window.fetch replaces it here too; one's own is no method of ours.
    _send: (input, init) => (fetch ? fetch(input, init) : globalThis.fetch(input, init)),
    _state: UNKNOWN,
    _listeners: new Set(),
    _memory: new Map(),
    _session: null,
    _epoch: 0,
    _ended: new Set(),
    _asked: 0,
    _returns: 0,
    _logouts: 0,
  };
}

/** Calls an auth endpoint with a refresh token, in the body unless it is the cookie. */
export const postToken = (here: Here, path: string, token: string, options: PostOptions): Promise<Json> =>
  post(here, path, here._byCookie ? {} : { refresh_token: token }, options);

/** Milliseconds since the refresh that is under way was asked for; 0 without one. */
export const waited = (here: Here): number => (here._renewing ? performance.now() - here._asked : 0);
