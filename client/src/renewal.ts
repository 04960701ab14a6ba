/** A valid access token for everybody who asks: however many do, one refresh is under way. */

import { AuthError } from "./errors.js";
import { type Here, postToken, waited } from "./here.js";
import { kept } from "./kept.js";
import { accept, leave, leaveAll, missed, sidHere } from "./presence.js";
import type { Session } from "./session.js";
import { change, emit, type Reason } from "./state.js";
import { NOBODY, sidOf } from "./store.js";
import { aborter, attempt, inBrowser, type Signal } from "./surroundings.js";

export interface TokenOptions {
  /** Seconds that it must still live; default 5. */
  readonly minValidity?: number;
  /** The token that met 401: the answer is another one. */
  readonly stale?: string;
  /** Ends the wait, not the refresh: that is for all who wait. */
  readonly signal?: Signal | null;
}

/** A new access token's session. Null when nobody is signed in, an AuthError when that cannot be known. */
export async function renew(here: Here): Promise<Session | null> {
  if (here._disposed) throw new AuthError("disposed", "Disposed.");
  const resting = here._resting;
  // Another tab's token may be good already.
  if (resting?.kept === kept(here) && performance.now() < resting.until) throw resting.error;
  here._renewing ??= renewOnce(here);
  return here._renewing;
}

async function renewOnce(here: Here): Promise<Session | null> {
  // How long a new tab waits for another to tell it the token, before it asks the server.
  const ASK = 100;
  const { _session: session, _epoch: epoch } = here;
  const isVoid = () => here._epoch !== epoch;
  // Another tab was quicker while we waited for the lock or for the network, or somebody came or went.
  const overtaken = () => here._session !== session || isVoid();
  here._asked = performance.now();
  change(here, { refreshing: true });
  try {
    return await here.exclusively(
      async () => {
        if (!overtaken() && kept(here)[0] !== NOBODY && sidOf(kept(here)) !== here._session?.sid) {
          here.tell({ kind: "ask" });
          await newsOr(here, ASK);
        }
        await askServer(here, overtaken, isVoid);
        return here._session;
      },
      () => here._session !== session,
    );
  } catch (error) {
    if (isVoid()) return here._session;
    change(here, { degraded: true });
    emit(here, "degraded", { error: error as AuthError });
    throw error;
  } finally {
    here._renewing = undefined;
    here._looking = false;
    change(here, { refreshing: false });
  }
}

/** Waits so many milliseconds, or until another tab has told a token: a second tab then costs the server nothing. */
const newsOr = (here: Here, milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    here._hurry = resolve;
    setTimeout(resolve, milliseconds);
  });

async function askServer(here: Here, overtaken: () => boolean, isVoid: () => boolean): Promise<void> {
  for (let retries = 0; !overtaken(); ) {
    const token = kept(here);
    const sid = sidHere(here);
    // Without a session that is known of, only a cookie is worth asking for.
    if (!sidOf(token) && (!here._byCookie || here._session)) return leave(here, sid, token.split(".")[2] as Reason);
    here._inFlight = aborter();
    try {
      const answer = await postToken(here, "refresh/", token, { controller: here._inFlight });
      if (isVoid()) return;
      if ((kept(here) !== token && kept(here)[0] === NOBODY) || !accept(here, answer))
        return leave(here, sid, "logout");
      return emit(here, "refreshed", { by: "network", milliseconds: waited(here) });
    } catch (caught) {
      const error = caught as AuthError;
      // Another token is kept by now: another tab was here without the lock, and what was refused is its old one.
      if (isVoid() || kept(here) !== token) continue;
      // The server has looked at the refresh token and said no: nothing else ends a session. A visitor has none.
      if (error.status === 400 && (error.code === "invalid_grant" || (!sid && error.code === "invalid_request"))) {
        return sid ? leaveAll(here, sid, "invalid_grant") : leave(here, "", "");
      }
      if (!overtaken()) await untilNext(here, error, token, retries++);
    }
  }
}

/** Waits for the next attempt; where there is to be none, throws what the last one met. */
function untilNext(here: Here, error: AuthError, token: string, retries: number): Promise<void> {
  const RETRIES = 3;
  // Who has to wait longer than this is told so instead.
  const LONGEST_WAIT = 5;
  const LONGEST_REST = 60;
  const { retryAfter } = error;
  if (retryAfter > LONGEST_WAIT) {
    here._resting = { until: performance.now() + Math.min(retryAfter, LONGEST_REST) * 1000, error, kept: token };
  } else if (error.retryable && retries < RETRIES && attempt(() => navigator.onLine) !== false) {
    return newsOr(here, Math.max(retryAfter * 1000, 2 ** retries * (200 + 200 * Math.random())));
  }
  throw error;
}

/** The session that calls are made with, refreshed if need be; null when nobody is signed in. */
export async function current(here: Here, { minValidity = 5, stale }: TokenOptions = {}): Promise<Session | null> {
  const another = missed(here);
  const session = here._session;
  if (!session) {
    // Whoever is not known to be nobody.
    const isUnknown = kept(here) ? sidOf(kept(here)) : inBrowser() && here._byCookie;
    return here._disposed || isUnknown ? renew(here) : null;
  }
  // At most half of its life, or a token that lives for seconds would be refreshed with every call.
  const least = Math.min(minValidity * 1000, session.lifetime / 2);
  const usable = stale ? session.access !== stale : session.left() > least;
  if (usable && !another && !here._looking) return session;
  return renew(here).catch((error) => {
    if (!stale && !another && here._session === session && session.left() > 0) return session;
    throw error;
  });
}
