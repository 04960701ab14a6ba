/** What survives a reload: who is signed in, and the logout that the server has not heard of. */

import type { Session } from "./session.js";
import type { Store } from "./store.js";
import { attempt } from "./surroundings.js";

export interface Kept {
  readonly _store: Store;
  /** Under which name it is kept who is signed in, and under which the logout that the server has not heard of. */
  readonly _name: string;
  readonly _unheardName: string;
  /** What this page knows of what is kept: its own word where storage refuses, and once more when that was emptied. */
  readonly _memory: Map<string, string>;
  /** Storage refused: other tabs do not see what is kept here. */
  _unseen?: boolean;
  readonly _session: Session | null;
}

/** A session, NOBODY, or "" where that is not known: then only the server can tell whether there is a cookie. */
export function kept(here: Kept): string {
  const { _name: name, _memory: memory } = here;
  const text = here._unseen ? "" : attempt(() => here._store.get(name));
  // A tab that knew of nobody, and left only "..", has not logged anybody out.
  if (text && (text[2] || !here._session)) memory.set(name, text);
  else {
    here._unseen = false;
    for (const [key, known] of memory) keep(here, known, key);
  }
  return memory.get(name) ?? "";
}

export function keep(here: Kept, text: string, name = here._name): void {
  here._memory.set(name, text);
  if (attempt(() => here._store.set(name, text) ?? true)) return;
  here._unseen = true;
  // Full: an old refresh token that stayed there would be taken for a thief's after a reload.
  attempt(() => here._store.set(name, ""));
}

/** The logout that the server has not heard of, "" when it has: another tab may have told it. */
export function unheard(here: Kept): string {
  kept(here);
  return (here._unseen ? here._memory.get(here._unheardName) : attempt(() => here._store.get(here._unheardName))) ?? "";
}

export const keepUnheard = (here: Kept, text: string): void => keep(here, text, here._unheardName);

/** This page knows of no such logout any more, whatever storage says. */
export const forgetUnheard = (here: Kept): unknown => here._memory.delete(here._unheardName);
