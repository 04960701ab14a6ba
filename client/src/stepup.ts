/** A call that asks for a login of late: the person confirms who this is, once for however many calls want that. */

import type { Here } from "./here.js";
import { provedSince, type Session } from "./session.js";
import { emit } from "./state.js";

/** The session once that is confirmed; null where it is not. */
export async function stepUp(here: Here, used: Session, maxAge: number): Promise<Session | null> {
  if (!here._session || provedSince(used, here._session)) return here._session;
  here._asking ??= ask(here, maxAge).finally(() => {
    here._asking = undefined;
  });
  return here._asking.then(
    () => here._session,
    () => null,
  );
}

async function ask(here: Here, maxAge: number): Promise<void> {
  const promises: Promise<unknown>[] = [];
  emit(here, "step-up", { maxAge, waitUntil: (promise) => promises.push(promise) });
  // Listeners are called in microtasks, which come before this goes on.
  await null;
  await Promise.all(promises);
}
