/** Who is signed in here, and one `token()` for everybody who asks: however many do, in all tabs one refresh is sent. */

import { AuthError } from "./errors.js";
import { answerOf, asAuthError, type Json, post } from "./http.js";
import { addressOf, headersOf, pageAddress, replayable, type Sender } from "./replay.js";
import { type Claims, leftOf, type Session, sessionOf, type User } from "./session.js";
import { isOlder, memoryStore, type Store, sidOf } from "./store.js";
import { openTabs, pause } from "./tabs.js";
import { UNKNOWN } from "./unknown.js";

export interface AuthOptions {
  /** Where `django_ironclad.urls` is mounted; default "/auth/". */
  readonly baseURL?: string;
  /** What survives a reload; default `memoryStore()`. */
  readonly store?: Store;
  /** Origins that get the access token; default: that of `baseURL` alone. */
  readonly origins?: readonly string[];
  /** Refresh by a timer, so many seconds before the access token is over; default 0: when a call needs it. */
  readonly refreshBefore?: number;
  /** What sends; default the browser's `fetch`. */
  readonly fetch?: typeof fetch;
}

/** Why nobody is signed in: "" for a visitor, "logout", or the server's code for a refused refresh. */
export type Reason = "" | "logout" | "invalid_grant" | "invalid_request";

export interface State {
  /** `unknown` until the server has answered once: a reload while offline may leave it so, with `degraded`. */
  readonly status: "unknown" | "signed-in" | "signed-out";
  readonly user: User | null;
  readonly claims: Claims | null;
  readonly refreshing: boolean;
  /** The last refresh met no answer, or none that means anything. Nobody was signed out. */
  readonly degraded: boolean;
  readonly reason: Reason;
}

export interface AuthEvents {
  "signed-in": { readonly user: User };
  "signed-out": { readonly reason: Reason };
  /** A new access token, from the server or from another tab, so long after it was asked for. */
  refreshed: { readonly by: "network" | "tab"; readonly milliseconds: number };
  degraded: { readonly error: AuthError };
  /** A call that met 401 was sent again, and answered so. */
  replayed: { readonly method: string; readonly url: string; readonly status: number };
  /** A call asks for a login of at most `maxAge` seconds ago. It is sent again once every promise waited for is kept. */
  "step-up": { readonly maxAge: number; readonly waitUntil: (promise: Promise<unknown>) => void };
}

export interface TokenOptions {
  /** Seconds that it must still live; default 5. */
  readonly minValidity?: number;
  /** The token that met 401: the answer is another one. */
  readonly stale?: string;
}

/** A call, however it is sent: Angular's HttpRequest is one. */
export interface Call {
  readonly url: string;
  readonly method: string;
  readonly headers: { has(name: string): boolean };
  readonly body?: unknown;
}

/** What a call meets, a refusal included: a Response is one, as are Angular's and axios' answers. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): unknown };
}

export interface Auth {
  /** Frozen, and the same object for as long as nothing in it changed. */
  readonly state: State;
  /** Once it is known who is signed in, or that it cannot be known just now. Never rejects. */
  readonly ready: Promise<State>;
  subscribe(listener: () => void): () => void;
  on<Name extends keyof AuthEvents>(name: Name, listener: (detail: AuthEvents[Name]) => void): () => void;
  login(credentials: Json): Promise<User>;
  /** Out at once, also offline. Whether the server has heard of it; if not, it is told as soon as it can be reached. */
  logout(options?: { scope?: "this" | "others" | "all" }): Promise<boolean>;
  /** A valid access token, "" when nobody is signed in. */
  token(options?: TokenOptions): Promise<string>;
  /** A new access token, whatever the old one is worth, and without a hint that anybody is signed in. */
  refresh(): Promise<string>;
  /** Seconds that the access token has left. */
  expiresIn(): number;
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /**
   * The rules of `fetch` for any other way of sending, for adapters: `send` is given the access token, "" for a call that
   * takes none, and is called again for what is repeated. It resolves for every status, and rejects without an answer.
   */
  carry<Met extends Answer>(call: Call, send: (access: string) => Promise<Met>): Promise<Met>;
  /** Confirms who is signed in, as a view may ask for: `{ password }`, or whatever the server takes. */
  reauthenticate(proof: Json): Promise<void>;
  /** Calls an endpoint below `baseURL` with the token; its JSON, or an AuthError. */
  request(method: string, path: string, body?: Json): Promise<Json>;
  dispose(): void;
}

/** Another tab learned who is signed in; was told that somebody no longer is; would like to know. */
type Message =
  | { kind: "in"; access: string; username: string; left: number; at: number; kept: string }
  | { kind: "out"; sid: string; reason: Reason }
  | { kind: "ask" };

/** How long a new tab waits for another to tell it the token, before it asks the server. */
const ASK = 100;
const RETRIES = 3;
/** Who has to wait longer than this is told so instead. */
const LONGEST_WAIT = 5;
const LONGEST_REST = 60;
/** setTimeout fires at once beyond this. */
const LONGEST_TIMER = 2 ** 31 - 1;

export function createAuth(options: AuthOptions = {}): Auth {
  const base = new URL(options.baseURL ?? "/auth/", pageAddress()).href.replace(/\/?$/, "/");
  const store = options.store ?? memoryStore();
  const origins = new Set((options.origins ?? [base]).map((origin) => new URL(origin).origin));
  // Called late and on its own, so that whoever replaces window.fetch replaces it here too.
  const send: typeof fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const byCookie = store.transport === "cookie";
  // The number is that of the messages between tabs: an old page and a new one side by side must not misread each other.
  const name = `ironclad:1:${base}`;
  /** Where the logout is kept that the server has not heard of. */
  const buried = `${name}:ended`;
  const authEndpoints = ["login/", "refresh/", "logout/"].map((path) => base + path);

  let state = UNKNOWN;
  let session: Session | null = null;
  /** How often somebody has logged out here: a login that is still under way then must not sign in after all. */
  let logouts = 0;
  /** Moves when somebody signs in or out: an answer to a question of an earlier epoch is nobody's any more. */
  let epoch = 0;
  let disposed = false;
  let renewing: Promise<Session | null> | null = null;
  let renewalBegan = 0;
  let inFlight: AbortController | null = null;
  let heard = () => {};
  let resting: { until: number; error: AuthError } | null = null;
  let asking: Promise<unknown> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Sessions that are over: no late answer or message brings one back. */
  const ended = new Set<string>();
  /** Addresses that refuse even a fresh access token: for this one they are not asked twice. */
  const hopeless = new Set<string>();
  const subscribers = new Set<() => void>();
  const listeners = new Set<{ name: string; listener: (detail: never) => void }>();
  const tabs = openTabs(name, hear);
  const credentials = byCookie ? "include" : "same-origin";

  // ---- State and events ---------------------------------------------------------------------------------------------

  function change(next: Partial<State>): void {
    if ((Object.keys(next) as (keyof State)[]).every((key) => state[key] === next[key])) return;
    state = Object.freeze({ ...state, ...next });
    // Later, and each on its own: what a listener does or throws cannot get between two steps of ours.
    for (const subscriber of subscribers) queueMicrotask(() => subscribers.has(subscriber) && subscriber());
  }

  function emit<Name extends keyof AuthEvents>(event: Name, detail: AuthEvents[Name]): void {
    for (const entry of listeners) {
      if (entry.name === event) queueMicrotask(() => listeners.has(entry) && entry.listener(detail as never));
    }
  }

  // ---- Signing in and out, locally ----------------------------------------------------------------------------------

  /** `next` is who is signed in from now on; null if its session is over already. */
  function enter(next: Session): Session | null {
    // By another tab's logout too, of which the server has not heard yet.
    if (ended.has(next.sid) || sidOf(store.get(buried)) === next.sid) return null;
    const before = session;
    // A refresh that was under way while the person confirmed who this is.
    if (before?.sid === next.sid && isStale(next, before) && leftOf(before) > 0) return before;
    if (before?.sid !== next.sid) {
      epoch++;
      if (before) ended.add(before.sid);
    }
    session = next;
    hopeless.clear();
    resting = null;
    const same = before?.sid === next.sid && before.user.username === next.user.username;
    const user = same ? before.user : next.user;
    change({ status: "signed-in", user, claims: next.claims, degraded: false, reason: "" });
    if (!same) emit("signed-in", { user });
    heard();
    schedule();
    return next;
  }

  /** Nobody is signed in from now on, and whatever is under way for `sid` is void. */
  function leave(sid: string, reason: Reason): void {
    epoch++;
    inFlight?.abort();
    session = null;
    resting = null;
    clearTimeout(timer);
    if (sid) ended.add(sid);
    if (sidOf(store.get(name)) === sid) store.set(name, "");
    const was = state.status;
    change({ status: "signed-out", user: null, claims: null, degraded: false, reason });
    if (was !== "signed-out" && reason) emit("signed-out", { reason });
  }

  /** Tokens that the server gave us: kept, told to the other tabs, and in force here. */
  function accept(answer: Json): Session | null {
    const next = enter(sessionOf(answer.access_token, answer.username, Number(answer.expires_in) * 1000));
    if (!next) return null;
    const token = byCookie ? next.sid : answer.refresh_token;
    // Without a new refresh token the one we have stays good.
    if (typeof token === "string" && !isOlder(token, store.get(name))) store.set(name, token);
    tell(next);
    return next;
  }

  function tell(told: Session): void {
    const { access, user } = told;
    const kept = store.shared ? "" : store.get(name);
    tabs.tell({
      kind: "in",
      access,
      username: user.username,
      left: leftOf(told),
      at: Date.now(),
      kept,
    } satisfies Message);
  }

  function hear(message: Message): void {
    if (message.kind === "ask") {
      if (session && leftOf(session) > 0) tell(session);
      return;
    }
    const mine = session?.sid ?? sidOf(store.get(name));
    if (message.kind === "out") {
      // Noted even if it is nobody's here: its answer or its message may still be on the way.
      ended.add(message.sid);
      if (message.sid === mine || (!mine && state.status === "unknown")) leave(message.sid, message.reason);
      return;
    }
    // A tab that slept may hear this late.
    const next = sessionOf(message.access, message.username, message.left - Math.max(0, Date.now() - message.at));
    const known = session;
    if (!store.shared && next.sid !== mine) return;
    if (known?.sid === next.sid && (known.access === next.access || known.claims.iat > next.claims.iat)) return;
    if (message.kept && !isOlder(message.kept, store.get(name))) store.set(name, message.kept);
    if (enter(next)) emit("refreshed", { by: "tab", milliseconds: renewing ? performance.now() - renewalBegan : 0 });
  }

  // ---- Refreshing ---------------------------------------------------------------------------------------------------

  /** However many ask, one refresh is under way. Null when nobody is signed in, an AuthError when that cannot be known. */
  function renew(): Promise<Session | null> {
    if (disposed) return Promise.reject(new AuthError("disposed", "This client is no longer in use."));
    if (resting && performance.now() < resting.until) return Promise.reject(resting.error);
    renewing ??= renewOnce().finally(() => {
      renewing = null;
      change({ refreshing: false });
    });
    return renewing;
  }

  async function renewOnce(): Promise<Session | null> {
    const before = session;
    const began = epoch;
    renewalBegan = performance.now();
    const overtaken = () => session !== before || epoch !== began;
    change({ refreshing: true });
    try {
      return await tabs.exclusively(
        async () => {
          if (!overtaken() && !before && store.get(name)) await askTabs();
          await askServer(overtaken, () => epoch !== began);
          return session;
        },
        () => session !== before,
      );
    } catch (error) {
      if (epoch !== began) return session;
      change({ degraded: true });
      emit("degraded", { error: error as AuthError });
      throw error;
    }
  }

  /** A tab beside this one may have a good token: a second tab then costs the server nothing. */
  function askTabs(): Promise<unknown> {
    tabs.tell({ kind: "ask" } satisfies Message);
    return Promise.race([pause(ASK), new Promise<void>((resolve) => (heard = resolve))]);
  }

  async function askServer(overtaken: () => boolean, isVoid: () => boolean): Promise<void> {
    // Overtaken: another tab was quicker while we waited for the lock or for the network, or somebody came or went.
    for (let retries = 0; !overtaken(); ) {
      const kept = store.get(name);
      if (!kept && !byCookie) return leave(session?.sid ?? "", "");
      inFlight = new AbortController();
      try {
        const answer = await post(send, `${base}refresh/`, byCookie ? {} : { refresh_token: kept }, {
          credentials,
          signal: inFlight.signal,
        });
        if (isVoid()) return;
        if (!accept(answer)) return leave(session?.sid ?? sidOf(kept), "logout");
        return emit("refreshed", { by: "network", milliseconds: performance.now() - renewalBegan });
      } catch (caught) {
        const error = caught as AuthError;
        if (isVoid()) return;
        if (isRefusal(error)) {
          // Another token is kept by now: another tab was here without the lock, and what was refused is its old one.
          if (store.get(name) !== kept) continue;
          const sid = session?.sid ?? sidOf(kept);
          leave(sid, error.code as Reason);
          tabs.tell({ kind: "out", sid, reason: error.code as Reason } satisfies Message);
          return;
        }
        if (overtaken()) return;
        const tooLong = error.retryAfter > LONGEST_WAIT;
        if (tooLong) resting = { until: performance.now() + Math.min(error.retryAfter, LONGEST_REST) * 1000, error };
        if (tooLong || !error.retryable || retries === RETRIES || globalThis.navigator?.onLine === false) throw error;
        await pause(Math.max(error.retryAfter * 1000, 2 ** retries++ * (200 + 200 * Math.random())));
      }
    }
  }

  /** The session that calls are made with, refreshed if need be; null when nobody is signed in. */
  async function current({ minValidity = 5, stale }: TokenOptions = {}): Promise<Session | null> {
    const now = session;
    if (!now) return disposed || store.get(name) ? renew() : null;
    // At most half of its life, or a token that lives for seconds would be refreshed with every call.
    const least = Math.min(minValidity * 1000, now.lifetime / 2);
    if (stale === undefined ? leftOf(now) > least : now.access !== stale) return now;
    try {
      return await renew();
    } catch (error) {
      if (stale === undefined && session === now && leftOf(now) > 0) return now;
      throw error;
    }
  }

  /** Refreshes by the timer, if one was asked for. A hidden page waits until it is seen. */
  function schedule(): void {
    clearTimeout(timer);
    if (!session || !options.refreshBefore) return;
    const early = Math.min(options.refreshBefore * 1000, session.lifetime / 2);
    const wait = Math.max(leftOf(session) - early, 1000);
    timer = setTimeout(
      () => {
        if (globalThis.document?.visibilityState === "hidden") return;
        if (wait > LONGEST_TIMER) schedule();
        else renew().catch(() => {});
      },
      Math.min(wait, LONGEST_TIMER),
    );
  }

  /** Back online, or seen again: tell what could not be told, learn what was missed. */
  function wake(): void {
    if (document.visibilityState === "hidden") return;
    void tellOfLogout();
    const kept = store.get(name);
    const missed = session && store.shared && sidOf(kept) !== session.sid;
    if (missed && !kept) leave("", "logout");
    else if (missed || state.degraded) renew().catch(() => {});
    else schedule();
  }

  // ---- What people do -----------------------------------------------------------------------------------------------

  async function login(given: Json): Promise<User> {
    const before = session;
    const outs = logouts;
    const old = store.get(name);
    const next = await tabs.exclusively(
      async () => {
        const body = { ...given, transport: store.transport };
        const answer = await post(send, `${base}login/`, body, { credentials });
        if (disposed || logouts !== outs) {
          store.set(buried, byCookie ? "-" : String(answer.refresh_token));
          return null;
        }
        const entered = accept(answer);
        // The server has ended the session that the cookie was of; without a cookie that is ours to ask for.
        if (byCookie) store.set(buried, "");
        else if (old && sidOf(old) !== entered?.sid) store.set(buried, old);
        return entered;
      },
      () => session !== before,
    );
    void tellOfLogout();
    if (!next) throw new AuthError("signed_out", "Logged out while the login was under way.");
    return next.user;
  }

  async function logout({ scope = "this" }: { scope?: "this" | "others" | "all" } = {}): Promise<boolean> {
    const others = scope === "this" ? null : request("DELETE", "sessions/");
    if (scope === "others") return others?.then(() => true) as Promise<boolean>;
    // Nothing is awaited for "this": who has pressed the button is out before the next line of the page runs.
    if (others) await others.catch(() => {});
    logouts++;
    const kept = store.get(name);
    const sid = session?.sid ?? sidOf(kept);
    // Before anything else, so that it survives a reload that comes now.
    if (kept || byCookie) store.set(buried, kept || sid || "-");
    leave(sid, "logout");
    tabs.tell({ kind: "out", sid, reason: "logout" } satisfies Message);
    const told = await tellOfLogout();
    await others;
    return told;
  }

  /** A logout that the server has not heard of is kept, and told when it can be. */
  async function tellOfLogout(): Promise<boolean> {
    if (!store.get(buried)) return true;
    return tabs.exclusively(
      async () => {
        // Once more, now that it is our turn: another tab has told it, or a login has put another session in the cookie.
        const token = store.get(buried);
        if (!token || disposed) return !token;
        if (!byCookie || !session) {
          try {
            const body = byCookie ? {} : { refresh_token: token };
            await post(send, `${base}logout/`, body, { credentials, keepalive: true });
          } catch {
            return false;
          }
        }
        if (store.get(buried) === token) store.set(buried, "");
        return true;
      },
      () => true,
    );
  }

  // ---- Calls --------------------------------------------------------------------------------------------------------

  function takesToken(url: URL): boolean {
    const encrypted = url.protocol === "https:" || url.protocol === new URL(pageAddress()).protocol;
    return encrypted && origins.has(url.origin) && !authEndpoints.includes(url.origin + url.pathname);
  }

  async function authFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    let sender: Promise<Sender> | undefined;
    const call = {
      url: addressOf(input).href,
      method: init.method ?? (input instanceof Request ? input.method : "GET"),
      headers: headersOf(input, init),
      body: init.body,
    };
    return carry(call, async (access) => {
      if (!access) return send(input, init);
      sender ??= replayable(send, input, init);
      return (await sender)(access);
    });
  }

  async function carry<Met extends Answer>(call: Call, send: (access: string) => Promise<Met>): Promise<Met> {
    const url = addressOf(call.url);
    if (!takesToken(url) || call.headers.has("Authorization")) return send("");
    if (call.body instanceof ReadableStream) {
      throw new AuthError(
        "body_not_replayable",
        "A stream cannot be sent twice: pass a string, Blob, FormData or buffer.",
      );
    }
    const address = url.origin + url.pathname;
    const first = await current();
    if (!first) return send("");
    let used = first;
    /** What it was repeated for: for each reason once. */
    const reasons = new Set<string>();
    for (;;) {
      const answer = await send(used.access);
      const { status } = answer;
      if (reasons.size) emit("replayed", { method: call.method.toUpperCase(), url: url.href, status });
      requireSame(first, status);
      if (status !== 401) return answer;
      const challenge = String(answer.headers.get("WWW-Authenticate"));
      const reason = /error="([^"]*)/.exec(challenge)?.[1] ?? "invalid_token";
      let next: Session | null = null;
      if (reasons.has(reason)) {
        if (reason === "invalid_token" && session === used) hopeless.add(address);
      } else if (reason === "invalid_token") {
        if (!hopeless.has(address)) next = await current({ stale: used.access });
      } else if (reason === "insufficient_user_authentication") {
        next = await stepUp(used, Number(/max_age="?(\d+)/.exec(challenge)?.[1] ?? 0));
      }
      requireSame(first, status);
      if (!next || next.access === used.access) return answer;
      reasons.add(reason);
      used = next;
    }
  }

  /** The session once the person has confirmed who this is; however many calls want that at once, it is asked for once. */
  async function stepUp(used: Session, maxAge: number): Promise<Session | null> {
    if (!session || isStale(used, session)) return session;
    asking ??= ask(maxAge).finally(() => {
      asking = null;
    });
    return asking.then(
      () => session,
      () => null,
    );
  }

  async function ask(maxAge: number): Promise<unknown> {
    const promises: Promise<unknown>[] = [];
    emit("step-up", { maxAge, waitUntil: (promise) => promises.push(promise) });
    // Listeners are called in microtasks, which come before this goes on.
    await null;
    return Promise.all(promises);
  }

  /** What was asked as one user is neither asked again as another, nor is the answer theirs to see. */
  function requireSame(first: Session, status: number): void {
    if (session && session.sid !== first.sid) {
      throw new AuthError("session_changed", "Somebody else has signed in since this was sent.", status);
    }
  }

  async function request(method: string, path: string, body?: Json): Promise<Json> {
    const init: RequestInit = { method, cache: "no-store", headers: { Accept: "application/json" } };
    if (body) {
      init.headers = { ...init.headers, "Content-Type": "application/json" };
      init.body = JSON.stringify(body);
    }
    try {
      return await answerOf(await authFetch(base + path, init));
    } catch (error) {
      throw asAuthError(error);
    }
  }

  async function reauthenticate(proof: Json): Promise<void> {
    const answer = await request("POST", "reauthenticate/", proof);
    if (disposed || !accept(answer)) throw new AuthError("signed_out", "Logged out meanwhile.");
  }

  // ---- From the beginning to the end --------------------------------------------------------------------------------

  const inBrowser = typeof document === "object";
  const woken = ["online", "pageshow"];
  if (inBrowser) {
    for (const event of woken) addEventListener(event, wake);
    document.addEventListener("visibilitychange", wake);
    void tellOfLogout();
    if (!store.get(name)) change({ status: "signed-out", reason: store.get(buried) ? "logout" : "" });
  }
  const ready = (inBrowser && store.get(name) ? renew() : Promise.resolve(null)).then(
    () => state,
    () => state,
  );

  return {
    get state() {
      return state;
    },
    ready,
    subscribe(listener) {
      // Of its own, so that subscribing the same function twice means twice.
      const subscriber = () => listener();
      subscribers.add(subscriber);
      return () => void subscribers.delete(subscriber);
    },
    on(event, listener) {
      const entry = { name: event, listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    login,
    logout,
    token: async (wanted) => (await current(wanted))?.access ?? "",
    refresh: async () => (await renew())?.access ?? "",
    expiresIn: () => (session ? Math.max(0, leftOf(session) / 1000) : 0),
    fetch: authFetch,
    carry,
    request,
    reauthenticate,
    dispose() {
      disposed = true;
      epoch++;
      inFlight?.abort();
      session = null;
      clearTimeout(timer);
      tabs.close();
      subscribers.clear();
      listeners.clear();
      if (!inBrowser) return;
      for (const event of woken) removeEventListener(event, wake);
      document.removeEventListener("visibilitychange", wake);
    },
  };
}

/** The server has looked at the refresh token and said no: nothing else ends a session. */
const isRefusal = ({ status, code }: AuthError): boolean =>
  status === 400 && (code === "invalid_grant" || code === "invalid_request");

/** Whether the person has proved who this is since the last time that `session` knows of, as `other` says. */
const isStale = (session: Session, other: Session): boolean =>
  (session.claims.auth_time ?? 0) < (other.claims.auth_time ?? 0);
