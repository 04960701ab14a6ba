/** What the surroundings may lack, refuse or take away. Asked for here, it costs comfort: never a crash, never a sign-out. */

/** What `ask` gives; undefined where it throws, as whatever is forbidden to a page does. */
export function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

export const aborter = (): AbortController | undefined => attempt(() => new AbortController());

/** In a page or in one of its workers, so with the browser's cookies and beside other tabs; not on a server. */
export const inBrowser = (): boolean =>
  !!(
    attempt(() => document) ??
    attempt(() => (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope && location)
  );

export const isHidden = (): boolean => attempt(() => document.visibilityState) === "hidden";

/** What of an AbortSignal is needed: axios' own kind, and that of a polyfill, is one. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: "abort", listener: () => void): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** What `begin` comes to. An abort ends the wait at once, by the signal's own reason: not the work, which is others' too. */
export function unlessAborted<T>(signal: Signal | null | undefined, begin: () => Promise<T>): Promise<T> {
  if (!signal) return begin();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason ?? Object.assign(new Error(), { name: "AbortError" }));
    if (signal.aborted) return abort();
    signal.addEventListener?.("abort", abort);
    begin()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener?.("abort", abort));
  });
}
