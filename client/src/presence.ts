/** Who is signed in here: the session in force, and what puts another token or nobody in its place. */

import type { Here } from "./here.js";
import type { Json } from "./http.js";
import { forgetUnheard, keep, kept, unheard } from "./kept.js";
import { provedSince, type Session, sessionOf } from "./session.js";
import { change, emit, type Reason } from "./state.js";
import { isOlder, NOBODY, sidOf } from "./store.js";

/** The id of the session, or of what is kept; "" of nobody. */
export const sidHere = (here: Here): string => here._session?.sid ?? sidOf(kept(here));

/** From now on. What was noted, timed or under way for the session before means nothing any more. */
function become(here: Here, next: Session | null): void {
  if (!next || here._session?.sid !== next.sid) here._epoch++;
  here._session = next;
  here._resting = undefined;
  here._hopeless = new Set();
  if (next) here._hurry?.();
  else here._inFlight?.abort();
  here._schedule?.();
}

/** `next` is who is signed in from now on; null if its session is over already. */
export function enter(here: Here, next: Session): Session | null {
  // By another tab's logout too, of which the server has not heard yet.
  if (here._ended.has(next.sid) || sidOf(unheard(here)) === next.sid) return null;
  const before = here._session;
  const goesOn = before?.sid === next.sid;
  // A refresh that was under way while the person confirmed who this is.
  if (goesOn && provedSince(next, before) && before.left() > 0) return before;
  if (before && !goesOn) here._ended.add(before.sid);
  forgetUnheard(here);
  const same = goesOn && before.user.username === next.user.username;
  const { user } = same ? before : next;
  become(here, next);
  change(here, { status: "signed-in", user, claims: next.claims, degraded: false, reason: "" });
  if (!same) emit(here, "signed-in", { user });
  return next;
}

/** Nobody is signed in from now on, and whatever is under way for `sid` is void. */
export function leave(here: Here, sid: string, reason: Reason): void {
  become(here, null);
  here._ended.add(sid);
  if (sidOf(kept(here)) === sid) keep(here, NOBODY + sid + NOBODY + reason);
  const { status } = here._state;
  change(here, { status: "signed-out", user: null, claims: null, degraded: false, reason });
  if (status !== "signed-out" && reason) emit(here, "signed-out", { reason });
}

/** The same in all tabs. */
export function leaveAll(here: Here, sid: string, reason: Reason): void {
  leave(here, sid, reason);
  here.tell({ kind: "out", sid, reason });
}

/** Nothing is done or told any more. */
export function close(here: Here): void {
  here._disposed = true;
  become(here, null);
  here.close();
  here._listeners.clear();
}

/** Tokens that the server gave us: kept, told to the other tabs, and in force here. */
export function accept(here: Here, answer: Json): Session | null {
  const next = enter(here, sessionOf(answer.access_token, answer.username, (answer.expires_in as number) * 1000));
  if (!next) return null;
  const token = here._byCookie ? next.sid : answer.refresh_token;
  // Without a new refresh token the one we have stays good.
  if (typeof token === "string" && !isOlder(token, kept(here))) keep(here, token);
  tellSession(here, next);
  return next;
}

/** Tells the other tabs who is signed in. */
export function tellSession(here: Here, told: Session): void {
  here.tell({
    kind: "in",
    access: told.access,
    username: told.user.username,
    left: told.left(),
    at: Date.now(),
    kept: kept(here),
  });
}

/** Whether somebody else is signed in by now, of whom this tab has not heard; after a logout it is out. */
export function missed(here: Here): boolean {
  const text = kept(here);
  if (here._unseen || !here._session || !here._store.shared) return false;
  const [sid, out, reason] = text.split(".");
  if (sid) return sid !== here._session.sid;
  // Of somebody before: Firefox's storage may be slower than the message that told who is here now.
  if (out === here._session.sid) leave(here, out, reason as Reason);
  return !out;
}
