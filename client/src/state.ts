/** What a page is shown: who is signed in, as far as it is known, and what happens. */

import type { AuthError } from "./errors.js";
import type { Claims, User } from "./session.js";

/** Why nobody is signed in: "" for a visitor, "logout", or the server's code for a refused refresh. */
export type Reason = "" | "logout" | "invalid_grant";

export interface State {
  /** `unknown` until the server has answered once: a reload while offline may leave it so, with `degraded`. */
  readonly status: "unknown" | "signed-in" | "signed-out";
  readonly user: User | null;
  readonly claims: Claims | null;
  readonly refreshing: boolean;
  /** The last refresh met no answer, or none that means anything. Nobody was signed out. */
  readonly degraded: boolean;
  readonly reason: Reason;
}

export interface AuthEvents {
  "signed-in": { readonly user: User };
  "signed-out": { readonly reason: Reason };
  /** A new access token, from the server or from another tab, so long after it was asked for. */
  refreshed: { readonly by: "network" | "tab"; readonly milliseconds: number };
  degraded: { readonly error: AuthError };
  /** A call that met 401 was sent again, and answered so. */
  replayed: { readonly method: string; readonly url: string; readonly status: number };
  /** A call asks for a login of at most `maxAge` seconds ago. It is sent again once every promise waited for is kept. */
  "step-up": { readonly maxAge: number; readonly waitUntil: (promise: Promise<unknown>) => void };
}

/** The state before anything is known: in a page at first, on a server always. */
export const UNKNOWN: State = Object.freeze({
  status: "unknown",
  user: null,
  claims: null,
  refreshing: false,
  degraded: false,
  reason: "",
});

export interface Shown {
  /** Frozen, and the same object for as long as nothing in it changed. */
  _state: State;
  readonly _listeners: Set<readonly [name: string, listener: (detail: never) => void]>;
}

export function change(here: Shown, next: Partial<State>): void {
  if ((Object.keys(next) as (keyof State)[]).every((key) => here._state[key] === next[key])) return;
  here._state = Object.freeze({ ...here._state, ...next });
  emit(here, "");
}

/** To the event's listeners; those of "" are the subscribers. */
export function emit(here: Shown, event: ""): void;
export function emit<Name extends keyof AuthEvents>(here: Shown, event: Name, detail: AuthEvents[Name]): void;
export function emit({ _listeners: listeners }: Shown, name: string, detail?: unknown): void {
  for (const entry of listeners) {
    // Later, and each on its own: what a listener does or throws cannot get between two steps of ours.
    if (entry[0] === name) queueMicrotask(() => listeners.has(entry) && entry[1](detail as never));
  }
}

export function on(
  { _listeners: listeners }: Shown,
  ...entry: [name: string, listener: (detail: never) => void]
): () => void {
  // The array is of its own, so that subscribing the same function twice means twice.
  listeners.add(entry);
  return () => void listeners.delete(entry);
}
