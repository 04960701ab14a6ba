/** `createAuth`: the client of one server, its rooms opened and joined. */

import { type Calls, carry, fetch, request } from "./calls.js";
import { hear } from "./hearing.js";
import { type AuthOptions, type Here, openHere } from "./here.js";
import { type Login, login, logout, prove } from "./login.js";
import { close } from "./presence.js";
import { current, renew, type TokenOptions } from "./renewal.js";
import type { Session } from "./session.js";
import { type AuthEvents, on, type State } from "./state.js";
import { unlessAborted } from "./surroundings.js";
import { begin } from "./waking.js";

export interface Auth extends Calls, Login {
  /** Frozen, and the same object for as long as nothing in it changed. */
  readonly state: State;
  /** Once it is known who is signed in, or that it cannot be known just now. Never rejects. */
  readonly ready: Promise<State>;
  subscribe(listener: () => void): () => void;
  on<Name extends keyof AuthEvents>(name: Name, listener: (detail: AuthEvents[Name]) => void): () => void;
  /** A valid access token, "" when nobody is signed in. */
  token(options?: TokenOptions): Promise<string>;
  /** A new access token, whatever the old one is worth, and without a hint that anybody is signed in. */
  refresh(): Promise<string>;
  /** Seconds that the access token has left. */
  expiresIn(): number;
  dispose(): void;
}

export function createAuth(options: AuthOptions = {}): Auth {
  const here = openHere(options, (message) => hear(here, message));
  const end = begin(here, options.refreshBefore);
  const state = () => here._state;
  const bound =
    <Given extends unknown[], Result>(act: (here: Here, ...given: Given) => Result) =>
    (...given: Given) =>
      act(here, ...given);
  return {
    get state() {
      return state();
    },
    ready: current(here).then(state, state),
    subscribe: (listener) => on(here, "", listener),
    on: bound(on),
    login: bound(login),
    logout: bound(logout),
    token: (wanted) => accessOf(unlessAborted(wanted?.signal, () => current(here, wanted))),
    refresh: () => accessOf(renew(here)),
    expiresIn: () => Math.max(0, (here._session?.left() ?? 0) / 1000),
    fetch: bound(fetch),
    carry: bound(carry) as Auth["carry"],
    request: bound(request),
    reauthenticate: (proof) => prove(here, "reauthenticate/", proof),
    changePassword: (passwords) => prove(here, "password/", passwords),
    dispose() {
      close(here);
      end();
    },
  };
}

const accessOf = async (session: Promise<Session | null>): Promise<string> => (await session)?.access ?? "";
