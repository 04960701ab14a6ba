/** What another tab tells: it has learned who is signed in, or that somebody no longer is, or would like to know. */

import { type Here, waited } from "./here.js";
import { keep, kept } from "./kept.js";
import { enter, leave, sidHere, tellSession } from "./presence.js";
import { sessionOf } from "./session.js";
import { emit } from "./state.js";
import { isOlder, sidOf } from "./store.js";
import type { Message } from "./tabs.js";

export function hear(here: Here, message: Message): void {
  const known = here._session;
  if (message.kind === "ask") {
    if (known && known.left() > 0) tellSession(here, known);
    return;
  }
  const mine = sidHere(here);
  if (message.kind === "out") {
    // Noted even if it is nobody's here: its answer or its message may still be on the way.
    here._ended.add(message.sid);
    if (message.sid === mine || (!mine && here._state.status === "unknown")) leave(here, message.sid, message.reason);
    return;
  }
  // A tab that slept may hear this late.
  const next = sessionOf(message.access, message.username, message.left - Math.max(0, Date.now() - message.at));
  if (!here._store.shared && next.sid !== mine) return;
  if (known?.sid === next.sid && (known.access === next.access || known.claims.iat > next.claims.iat)) return;
  const text = kept(here);
  // Not over what others have stored since: a tab that slept hears this late.
  if ((here._unseen || !text || sidOf(text) === next.sid) && !isOlder(message.kept, text)) keep(here, message.kept);
  if (enter(here, next)) emit(here, "refreshed", { by: "tab", milliseconds: waited(here) });
}
