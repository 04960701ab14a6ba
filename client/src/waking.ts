/** A page that begins, sleeps, wakes and ends: what it looks for then, and the timer in between. */

import type { Here } from "./here.js";
import { kept, unheard } from "./kept.js";
import { missed } from "./presence.js";
import { renew } from "./renewal.js";
import { change } from "./state.js";
import { sidOf } from "./store.js";
import { attempt, inBrowser, isHidden } from "./surroundings.js";
import { tellServer } from "./unheard.js";

/** Gives back what ends it. `refreshBefore`: as in AuthOptions. */
export function begin(here: Here, refreshBefore: number | undefined): () => void {
  // setTimeout fires at once beyond this.
  const LONGEST_TIMER = 2 ** 31 - 1;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Refreshes by the timer, if one was asked for. A hidden page waits until it is seen. */
  function schedule(): void {
    clearTimeout(timer);
    const session = here._session;
    if (!session || !refreshBefore) return;
    const early = Math.min(refreshBefore * 1000, session.lifetime / 2);
    const wait = Math.max(session.left() - early, 1000);
    timer = setTimeout(
      () => {
        if (isHidden()) return;
        if (wait > LONGEST_TIMER) schedule();
        else renew(here).catch(() => {});
      },
      Math.min(wait, LONGEST_TIMER),
    );
  }

  /** Back online, or seen again: tell what could not be told, learn what was missed. */
  function wake(event: Event): void {
    if ((event as PageTransitionEvent).persisted) {
      // What was under way when the page was left means nothing now: others may have come and gone.
      here._returns++;
      here._looking = !!here._session;
    }
    if (isHidden()) return;
    void tellServer(here);
    if (missed(here) || here._state.degraded || here._looking) renew(here).catch(() => {});
    else schedule();
  }

  const listen = (how: "addEventListener" | "removeEventListener") => {
    attempt(() => document[how]("visibilitychange", wake));
    attempt(() => {
      globalThis[how]("online", wake);
      globalThis[how]("pageshow", wake);
    });
  };
  here._schedule = schedule;
  const begins = kept(here);
  const browser = inBrowser();
  if (browser) listen("addEventListener");
  void tellServer(here);
  // A server has no storage that could say so.
  const knows = begins || (!here._byCookie && (browser || attempt(() => here._store.get(here._name)) === ""));
  if (knows && !sidOf(begins)) change(here, { status: "signed-out", reason: unheard(here) ? "logout" : "" });
  return () => listen("removeEventListener");
}
