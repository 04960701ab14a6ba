/** What people do: log in, log out, and confirm or change their password. */

import { request } from "./calls.js";
import { AuthError } from "./errors.js";
import type { Here } from "./here.js";
import { type Json, post } from "./http.js";
import { keepUnheard, kept } from "./kept.js";
import { accept, leave, leaveAll, sidHere } from "./presence.js";
import { current, renew } from "./renewal.js";
import type { User } from "./session.js";
import { NOBODY, sidOf } from "./store.js";
import { tellServer } from "./unheard.js";

export interface Login {
  login(credentials: Json): Promise<User>;
  /** Out at once, also offline. Whether the server has heard of it; if not, it is told as soon as it can be reached. */
  logout(options?: { scope?: "this" | "others" | "all" }): Promise<boolean>;
  /** Confirms who is signed in, as a view may ask for: `{ password }`, or whatever the server takes. */
  reauthenticate(proof: Json): Promise<void>;
  /** `{ old_password, new_password }`, or whatever the server takes. Every other session of the user ends. */
  changePassword(passwords: Json): Promise<void>;
}

export async function login(here: Here, given: Json): Promise<User> {
  const { _session: session, _logouts: logouts, _returns: returns } = here;
  const old = kept(here);
  // Whoever logs in need not be looked for.
  if (!old) leave(here, "", "");
  here._hurry?.();
  const next = await here.exclusively(
    async () => {
      const answer = await post(here, "login/", { ...given, transport: here._store.transport });
      if (here._disposed || here._logouts !== logouts || here._returns !== returns) {
        // A cookie that was set before the page was left may be another's by now.
        if (!here._byCookie || here._returns === returns)
          keepUnheard(here, here._byCookie ? NOBODY : (answer.refresh_token as string));
        return null;
      }
      const entered = accept(here, answer);
      // The server has ended the session that the cookie was of; without a cookie that is ours to ask for.
      if (here._byCookie) keepUnheard(here, "");
      else if (sidOf(old) && sidOf(old) !== entered?.sid) keepUnheard(here, old);
      return entered;
    },
    () => here._session !== session,
  );
  void tellServer(here);
  if (here._returns !== returns) renew(here).catch(() => {});
  if (!next) throw signedOut();
  return next.user;
}

export async function logout(
  here: Here,
  { scope = "this" }: { scope?: "this" | "others" | "all" } = {},
): Promise<boolean> {
  const others = scope !== "this" && request(here, "DELETE", "sessions/");
  if (scope === "others") return !!(await others);
  // Nothing is awaited for "this": who has pressed the button is out before the next line of the page runs.
  if (others) await others.catch(() => {});
  here._logouts++;
  const token = kept(here);
  const mine = sidHere(here);
  // Before anything else, so that it survives a reload that comes now.
  if (sidOf(token) || here._byCookie) keepUnheard(here, token || NOBODY);
  leaveAll(here, mine, "logout");
  const told = await tellServer(here);
  await others;
  return told;
}

/** A password confirmed or changed: the answer's tokens take the place of ours, so no refresh may come between. */
export async function prove(here: Here, path: string, proof: Json, stale = ""): Promise<void> {
  const used = await current(here, { stale });
  const once = async () => {
    if (!used || here._session?.sid !== used.sid) throw signedOut();
    const headers = { Authorization: `Bearer ${used.access}` };
    if (!accept(here, await post(here, path, proof, { headers }))) throw signedOut();
  };
  try {
    await here.exclusively(once);
  } catch (error) {
    if (stale || !used || (error as AuthError).status !== 401) throw error;
    await prove(here, path, proof, used.access);
  }
}

/** By a logout that came first, or as the page was left and may be somebody else's now. */
const signedOut = () => new AuthError("signed_out", "Logged out.");
