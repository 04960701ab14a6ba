/** The tabs of one browser: one of them at a time may speak with the auth endpoints, and each hears what it learned. */

import type { Reason } from "./state.js";
import { aborter, attempt, inBrowser } from "./surroundings.js";

/** Another tab learned who is signed in; was told that somebody no longer is; would like to know. */
export type Message =
  | { kind: "in"; access: string; username: string; left: number; at: number; kept: string }
  | { kind: "out"; sid: string; reason: Reason }
  | { kind: "ask" };

export interface Tabs {
  tell(message: Message): void;
  /** Runs `work`, once, while no other tab runs its own, where the browser can promise that (not on plain http). */
  exclusively<T>(work: () => Promise<T>, changed?: () => boolean): Promise<T>;
  close(): void;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export function openTabs(name: string, hear: (message: Message) => void): Tabs {
  // After this long without the lock we go on without it: its holder may be frozen, and the server copes with two at once.
  const LOCK_PATIENCE = 5_000;
  // The lock is held for this long after a change: else the next holder may still see the old value in its storage.
  const LINGER = 25;
  // Not on a server, which it would keep alive.
  const channel = inBrowser() ? attempt(() => new BroadcastChannel(name)) : undefined;
  if (channel) channel.onmessage = (event) => hear(event.data);
  return {
    tell: (message) => attempt(() => channel?.postMessage(message)),
    close: () => attempt(() => channel?.close()),

    exclusively: (work, changed = () => true) =>
      new Promise((resolve, reject) => {
        let begun = false;
        // The lock is released when this settles, so it must never wait for anything of the application's.
        const run = async () => {
          // WebKit rejects the promise of a lock that is held when the page leaves: that is no lack of locks.
          if (begun) return;
          begun = true;
          clearTimeout(timer);
          await work().then(resolve, reject);
          if (changed()) await pause(LINGER);
        };
        const waiting = aborter();
        const timer = setTimeout(() => {
          void run();
          waiting?.abort();
        }, LOCK_PATIENCE);
        const held = attempt(() => navigator.locks.request(name, { signal: waiting?.signal as AbortSignal }, run));
        (held ?? Promise.reject()).catch(run);
      }),
  };
}
