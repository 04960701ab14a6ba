/**
 * What survives a reload, and where: one text for who is signed in, one for a logout that the server has not heard of.
 * A store may throw, as storage does that is missing, forbidden or full: then the text lasts as long as the page.
 */

export interface Store {
  /** How the refresh token travels. */
  readonly transport: "cookie" | "body";
  /** One session for all tabs of the browser; else each tab has its own. */
  readonly shared: boolean;
  /** The text kept under a name, "" without one. */
  get(name: string): string;
  /** "" removes. */
  set(name: string, text: string): void;
}

/** How the text begins that says: nobody is signed in; what follows is whose session it was, and why. Nothing at all says that it is not known, or was, until storage was emptied. */
export const NOBODY = ".";

/** The default: the refresh token is in an HttpOnly cookie, where no script sees it; kept is only which session it is of. */
export const memoryStore = (): Store => webStore("cookie", true, "localStorage");

/** The refresh token in localStorage. Any script that runs on the page can steal it, and with it the session. */
export const localStore = (): Store => webStore("body", true, "localStorage");

/** The refresh token in sessionStorage: a session for each tab. Any script that runs on the page can steal it. */
export const sessionStore = (): Store => webStore("body", false, "sessionStorage");

function webStore(transport: Store["transport"], shared: boolean, area: "localStorage" | "sessionStorage"): Store {
  return {
    transport,
    shared,
    get: (name) => globalThis[area].getItem(name) ?? "",
    set: (name, text) => (text ? globalThis[area].setItem(name, text) : globalThis[area].removeItem(name)),
  };
}

/** The session id of what is kept: itself, or the first part of a refresh token `sid.generation.branch.mac`; of nobody, "". */
export const sidOf = (kept: string): string => kept.split(".", 1)[0] as string;

/** Whether `token` was given out before `kept`, another token of the same session. */
export function isOlder(token: string, kept: string): boolean {
  const [sid, generation, branch] = token.split(".") as [string, string, string];
  const [keptSid, keptGeneration, keptBranch] = kept.split(".") as [string, string, string];
  return sid === keptSid && (+generation - +keptGeneration || +branch - +keptBranch) < 0;
}
