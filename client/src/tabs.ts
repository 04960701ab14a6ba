/** The tabs of one browser: one of them at a time may speak with the auth endpoints, and each hears what it learned. */

/** After this long without the lock we go on without it: its holder may be frozen, and the server copes with two at once. */
const LOCK_PATIENCE = 5_000;
/** The lock is held for this long after a change: else the next holder may still see the old value in its storage. */
const LINGER = 25;

export interface Tabs {
  tell(message: unknown): void;
  exclusively<T>(work: () => Promise<T>, changed: () => boolean): Promise<T>;
  close(): void;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export function openTabs(name: string, hear: (message: never) => void): Tabs {
  let channel = typeof document === "object" && "BroadcastChannel" in globalThis ? new BroadcastChannel(name) : null;
  if (channel) channel.onmessage = (event) => hear(event.data as never);
  return {
    tell: (message) => channel?.postMessage(message),
    close() {
      channel?.close();
      channel = null;
    },

    /** Runs `work` while no other tab runs its own, where the browser can promise that (not on plain http). */
    exclusively: (work, changed) =>
      new Promise((resolve, reject) => {
        // The lock is released when this settles, so it must never wait for anything of the application's.
        const run = () => work().then(resolve, reject);
        const locks = globalThis.navigator?.locks;
        if (!locks) {
          run();
          return;
        }
        const waiting = new AbortController();
        const timer = setTimeout(() => waiting.abort(), LOCK_PATIENCE);
        locks
          .request(name, { signal: waiting.signal }, async () => {
            clearTimeout(timer);
            await run();
            if (changed()) await pause(LINGER);
          })
          .catch(run);
      }),
  };
}
