/** Who is signed in here, and one `token()` for everybody who asks: however many do, in all tabs one refresh is sent. */

import { AuthError } from "./errors.js";
import { answerOf, asAuthError, initOf, type Json, post } from "./http.js";
import { type Answer, refusalOf } from "./refusal.js";
import { addressOf, headersOf, pageAddress, replayable, type Sender } from "./replay.js";
import { type Session, sessionOf, type User } from "./session.js";
import { type AuthEvents, type Reason, type State, UNKNOWN } from "./state.js";
import { isOlder, memoryStore, NOBODY, type Store, sidOf } from "./store.js";
import { aborter, attempt, inBrowser, isHidden, type Signal, unlessAborted } from "./surroundings.js";
import { openTabs, pause } from "./tabs.js";

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

export interface TokenOptions {
  /** Seconds that it must still live; default 5. */
  readonly minValidity?: number;
  /** The token that met 401: the answer is another one. */
  readonly stale?: string;
  /** Ends the wait, not the refresh: that is for all who wait. */
  readonly signal?: Signal | null;
}

/** A call, however it is sent: Angular's HttpRequest is one. */
export interface Call {
  readonly url: string;
  readonly method: string;
  readonly headers: { has(name: string): boolean };
  readonly body?: unknown;
  /** Ends every wait at once, with its own error. */
  readonly signal?: Signal | null | undefined;
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
  /** `{ old_password, new_password }`, or whatever the server takes. Every other session of the user ends. */
  changePassword(passwords: Json): Promise<void>;
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
  let inFlight: AbortController | undefined;
  let heard = () => {};
  let resting: { until: number; error: AuthError; kept: string } | null = null;
  /** How often the page came back from the browser's cache, and whether it has yet to look who is signed in now. */
  let returns = 0;
  let looking = false;
  /** What this page knows of what is kept: its own word where storage refuses, and once more when that was emptied. */
  const memory = new Map<string, string>();
  /** Storage refused: other tabs do not see what is kept here. */
  let failed = false;
  let asking: Promise<unknown> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Sessions that are over: no late answer or message brings one back. */
  const ended = new Set<string>();
  /** Addresses that refuse even a fresh access token: for this one they are not asked twice. */
  const hopeless = new Set<string>();
  const listeners = new Set<{ name: string; listener: (detail: never) => void }>();
  const tabs = openTabs(name, hear);
  const credentials = byCookie ? "include" : "same-origin";
  const browser = inBrowser();

  // ---- What is kept -------------------------------------------------------------------------------------------------

  /** A session, NOBODY, or "" where that is not known: then only the server can tell whether there is a cookie. */
  function kept(): string {
    const text = failed ? "" : attempt(() => store.get(name));
    // A tab that knew of nobody has not logged anybody out.
    if (text && (text !== NOBODY || !session)) memory.set(name, text);
    else {
      failed = false;
      for (const [key, known] of memory) keep(known, key);
    }
    return memory.get(name) ?? "";
  }

  function keep(text: string, key = name): void {
    memory.set(key, text);
    if (attempt(() => store.set(key, text) ?? true)) return;
    failed = true;
    // Full: an old refresh token that stayed there would be taken for a thief's after a reload.
    attempt(() => store.set(key, ""));
  }

  /** The logout that the server has not heard of, "" when it has: another tab may have told it. */
  function unheard(): string {
    kept();
    return (failed ? memory.get(buried) : attempt(() => store.get(buried))) ?? "";
  }

  /** Whether somebody else is signed in by now, of whom this tab has not heard; after a logout it is out. */
  function missed(): boolean {
    const text = kept();
    if (!session || !store.shared || failed) return false;
    if (text[0] === NOBODY) leave(session.sid, text.slice(1) as Reason);
    return !!session && sidOf(text) !== session.sid;
  }

  // ---- State and events ---------------------------------------------------------------------------------------------

  function change(next: Partial<State>): void {
    if ((Object.keys(next) as (keyof State)[]).every((key) => state[key] === next[key])) return;
    state = Object.freeze({ ...state, ...next });
    emit("");
  }

  /** To the event's listeners; those of "" are the subscribers. */
  function emit(event: ""): void;
  function emit<Name extends keyof AuthEvents>(event: Name, detail: AuthEvents[Name]): void;
  function emit(event: string, detail?: unknown): void {
    for (const entry of listeners) {
      // Later, and each on its own: what a listener does or throws cannot get between two steps of ours.
      if (entry.name === event) queueMicrotask(() => listeners.has(entry) && entry.listener(detail as never));
    }
  }

  function on(name: string, listener: (detail: never) => void): () => void {
    // Of its own, so that subscribing the same function twice means twice.
    const entry = { name, listener };
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  // ---- Signing in and out, locally ----------------------------------------------------------------------------------

  /** `next` is who is signed in from now on; null if its session is over already. */
  function enter(next: Session): Session | null {
    // By another tab's logout too, of which the server has not heard yet.
    if (ended.has(next.sid) || sidOf(unheard()) === next.sid) return null;
    const before = session;
    // A refresh that was under way while the person confirmed who this is.
    if (before?.sid === next.sid && isStale(next, before) && before.left() > 0) return before;
    if (before?.sid !== next.sid) {
      epoch++;
      if (before) ended.add(before.sid);
    }
    session = next;
    memory.delete(buried);
    hopeless.clear();
    resting = null;
    const same = before?.sid === next.sid && before.user.username === next.user.username;
    const { user } = same ? before : next;
    change({ status: "signed-in", user, claims: next.claims, degraded: false, reason: "" });
    if (!same) emit("signed-in", { user });
    heard();
    schedule();
    return next;
  }

  function stop(): void {
    epoch++;
    inFlight?.abort();
    session = resting = null;
    clearTimeout(timer);
  }

  /** Nobody is signed in from now on, and whatever is under way for `sid` is void. */
  function leave(sid: string, reason: Reason): void {
    stop();
    ended.add(sid);
    if (sidOf(kept()) === sid) keep(NOBODY + reason);
    const was = state.status;
    change({ status: "signed-out", user: null, claims: null, degraded: false, reason });
    if (was !== "signed-out" && reason) emit("signed-out", { reason });
  }

  /** Tokens that the server gave us: kept, told to the other tabs, and in force here. */
  function accept(answer: Json): Session | null {
    const next = enter(sessionOf(answer.access_token, answer.username, (answer.expires_in as number) * 1000));
    if (!next) return null;
    const token = byCookie ? next.sid : answer.refresh_token;
    // Without a new refresh token the one we have stays good.
    if (typeof token === "string" && !isOlder(token, kept())) keep(token);
    tell(next);
    return next;
  }

  function tell(told: Session): void {
    tabs.tell({
      kind: "in",
      access: told.access,
      username: told.user.username,
      left: told.left(),
      at: Date.now(),
      kept: kept(),
    } satisfies Message);
  }

  function hear(message: Message): void {
    if (message.kind === "ask") {
      if (session && session.left() > 0) tell(session);
      return;
    }
    const mine = session?.sid ?? sidOf(kept());
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
    const text = kept();
    // Not over what others have stored since: a tab that slept hears this late.
    if ((failed || !text || sidOf(text) === next.sid) && !isOlder(message.kept, text)) keep(message.kept);
    if (enter(next)) emit("refreshed", { by: "tab", milliseconds: renewing ? performance.now() - renewalBegan : 0 });
  }

  // ---- Refreshing ---------------------------------------------------------------------------------------------------

  /** However many ask, one refresh is under way. Null when nobody is signed in, an AuthError when that cannot be known. */
  function renew(): Promise<Session | null> {
    if (disposed) return Promise.reject(new AuthError("disposed", "Disposed."));
    // Another tab's token may be good already.
    if (resting?.kept === kept() && performance.now() < resting.until) return Promise.reject(resting.error);
    renewing ??= renewOnce().finally(() => {
      renewing = null;
      looking = false;
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
          if (!overtaken() && kept()[0] !== NOBODY && sidOf(kept()) !== session?.sid) {
            tabs.tell({ kind: "ask" } satisfies Message);
            await newsOr(ASK);
          }
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

  /** Waits so many milliseconds, or until another tab has told a token: a second tab then costs the server nothing. */
  function newsOr(milliseconds: number): Promise<unknown> {
    return Promise.race([pause(milliseconds), new Promise<void>((resolve) => (heard = resolve))]);
  }

  async function askServer(overtaken: () => boolean, isVoid: () => boolean): Promise<void> {
    // Overtaken: another tab was quicker while we waited for the lock or for the network, or somebody came or went.
    for (let retries = 0; !overtaken(); ) {
      const token = kept();
      const sid = session?.sid ?? sidOf(token);
      // Without a session that is known of, only a cookie is worth asking for.
      if (!sidOf(token) && (!byCookie || session)) return leave(sid, token.slice(1) as Reason);
      inFlight = aborter();
      try {
        const body = byCookie ? {} : { refresh_token: token };
        const answer = await post(send, `${base}refresh/`, body, { credentials }, inFlight);
        if (isVoid()) return;
        if ((kept() !== token && kept()[0] === NOBODY) || !accept(answer)) return leave(sid, "logout");
        return emit("refreshed", { by: "network", milliseconds: performance.now() - renewalBegan });
      } catch (caught) {
        const error = caught as AuthError;
        if (isVoid()) return;
        // Another token is kept by now: another tab was here without the lock, and what was refused is its old one.
        if (kept() !== token) continue;
        // The server has looked at the refresh token and said no: nothing else ends a session. A visitor has none.
        if (error.status === 400 && (error.code === "invalid_grant" || (!sid && error.code === "invalid_request"))) {
          const reason = sid && "invalid_grant";
          leave(sid, reason);
          if (sid) tabs.tell({ kind: "out", sid, reason } satisfies Message);
          return;
        }
        if (overtaken()) return;
        const { retryAfter } = error;
        const until = performance.now() + Math.min(retryAfter, LONGEST_REST) * 1000;
        resting = retryAfter > LONGEST_WAIT ? { until, error, kept: token } : null;
        const offline = attempt(() => navigator.onLine) === false;
        if (resting || !error.retryable || retries === RETRIES || offline) throw error;
        await newsOr(Math.max(retryAfter * 1000, 2 ** retries++ * (200 + 200 * Math.random())));
      }
    }
  }

  /** The session that calls are made with, refreshed if need be; null when nobody is signed in. */
  async function current({ minValidity = 5, stale }: TokenOptions = {}): Promise<Session | null> {
    const another = missed();
    const now = session;
    // Whoever is not known to be nobody.
    const isUnknown = kept() ? sidOf(kept()) : browser && byCookie;
    if (!now) return disposed || isUnknown ? renew() : null;
    // At most half of its life, or a token that lives for seconds would be refreshed with every call.
    const least = Math.min(minValidity * 1000, now.lifetime / 2);
    const usable = stale ? now.access !== stale : now.left() > least;
    if (usable && !another && !looking) return now;
    try {
      return await renew();
    } catch (error) {
      if (!stale && !another && session === now && now.left() > 0) return now;
      throw error;
    }
  }

  /** Refreshes by the timer, if one was asked for. A hidden page waits until it is seen. */
  function schedule(): void {
    clearTimeout(timer);
    if (!session || !options.refreshBefore) return;
    const early = Math.min(options.refreshBefore * 1000, session.lifetime / 2);
    const wait = Math.max(session.left() - early, 1000);
    timer = setTimeout(
      () => {
        if (isHidden()) return;
        if (wait > LONGEST_TIMER) schedule();
        else renew().catch(() => {});
      },
      Math.min(wait, LONGEST_TIMER),
    );
  }

  /** Back online, or seen again: tell what could not be told, learn what was missed. */
  function wake(event: Event): void {
    if ((event as PageTransitionEvent).persisted) {
      // What was under way when the page was left means nothing now: others may have come and gone.
      returns++;
      looking = !!session;
    }
    if (isHidden()) return;
    void tellOfLogout();
    if (missed() || state.degraded || looking) renew().catch(() => {});
    else schedule();
  }

  // ---- What people do -----------------------------------------------------------------------------------------------

  async function login(given: Json): Promise<User> {
    const before = session;
    const outs = logouts;
    const left = returns;
    const old = kept();
    // Whoever logs in need not be looked for.
    if (!old) leave("", "");
    heard();
    const next = await tabs.exclusively(
      async () => {
        const body = { ...given, transport: store.transport };
        const answer = await post(send, `${base}login/`, body, { credentials });
        if (disposed || logouts !== outs || returns !== left) {
          // A cookie that was set before the page was left may be another's by now.
          if (!byCookie || returns === left) keep(byCookie ? NOBODY : (answer.refresh_token as string), buried);
          return null;
        }
        const entered = accept(answer);
        // The server has ended the session that the cookie was of; without a cookie that is ours to ask for.
        if (byCookie) keep("", buried);
        else if (sidOf(old) && sidOf(old) !== entered?.sid) keep(old, buried);
        return entered;
      },
      () => session !== before,
    );
    void tellOfLogout();
    if (returns !== left) renew().catch(() => {});
    if (!next) throw signedOut();
    return next.user;
  }

  async function logout({ scope = "this" }: { scope?: "this" | "others" | "all" } = {}): Promise<boolean> {
    const others = scope === "this" ? null : request("DELETE", "sessions/");
    if (scope === "others") return others?.then(() => true) as Promise<boolean>;
    // Nothing is awaited for "this": who has pressed the button is out before the next line of the page runs.
    if (others) await others.catch(() => {});
    logouts++;
    const token = kept();
    const sid = session?.sid ?? sidOf(token);
    // Before anything else, so that it survives a reload that comes now.
    if (sidOf(token) || byCookie) keep(token || NOBODY, buried);
    leave(sid, "logout");
    tabs.tell({ kind: "out", sid, reason: "logout" } satisfies Message);
    const told = await tellOfLogout();
    await others;
    return told;
  }

  /** A logout that the server has not heard of is kept, and told when it can be. */
  async function tellOfLogout(): Promise<boolean> {
    if (!unheard()) return true;
    return tabs.exclusively(
      async () => {
        // Once more, now that it is our turn: another tab has told it, or a login has put another session in the cookie.
        const token = unheard();
        if (!token || disposed) return !token;
        if (!byCookie || !session) {
          try {
            const body = byCookie ? {} : { refresh_token: token };
            await post(send, `${base}logout/`, body, { credentials, keepalive: true });
          } catch {
            return false;
          }
        }
        if (unheard() === token) keep("", buried);
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
    const request = input instanceof Request ? input : undefined;
    const call = {
      url: addressOf(input).href,
      method: init.method ?? request?.method ?? "GET",
      headers: headersOf(input, init),
      body: init.body,
      signal: init.signal === undefined ? request?.signal : init.signal,
    };
    return carry(call, async (access) => {
      if (!access) return send(input, init);
      sender ??= replayable(send, input, init);
      return (await sender)(access);
    });
  }

  function carry<Met extends Answer>(call: Call, send: (access: string) => Promise<Met>): Promise<Met> {
    const { signal } = call;
    // Whoever has left waits for nothing, and nothing more is sent.
    const sending = (access: string) => (signal?.aborted ? Promise.reject() : send(access));
    return unlessAborted(signal, () => carryOn(call, sending));
  }

  async function carryOn<Met extends Answer>(call: Call, send: (access: string) => Promise<Met>): Promise<Met> {
    const url = addressOf(call.url);
    if (!takesToken(url) || call.headers.has("Authorization")) return send("");
    if (typeof (call.body as Partial<ReadableStream> | null)?.getReader === "function") {
      throw new AuthError("body_not_replayable", "A stream cannot be sent twice.");
    }
    const address = url.origin + url.pathname;
    const asked = session;
    const first = await current();
    requireSame(asked, 0);
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
      const { code, maxAge } = await refusalOf(answer);
      let next: Session | null = null;
      if (reasons.has(code)) {
        if (code === "invalid_token" && session === used) hopeless.add(address);
      } else if (code === "invalid_token") {
        if (!hopeless.has(address)) next = await current({ stale: used.access });
      } else if (code === "insufficient_user_authentication") {
        next = await stepUp(used, maxAge);
      }
      requireSame(first, status);
      if (!next || next.access === used.access) return answer;
      reasons.add(code);
      used = next;
    }
  }

  /** The session once the person has confirmed who this is; however many calls want that at once, it is asked for once. */
  async function stepUp(used: Session, maxAge: number): Promise<Session | null> {
    if (!session || isStale(used, session)) return session;
    asking ??= (async () => {
      const promises: Promise<unknown>[] = [];
      emit("step-up", { maxAge, waitUntil: (promise) => promises.push(promise) });
      // Listeners are called in microtasks, which come before this goes on.
      await null;
      await Promise.all(promises);
    })().finally(() => {
      asking = null;
    });
    return asking.then(
      () => session,
      () => null,
    );
  }

  /** What was asked as one user is neither asked again as another, nor is the answer theirs to see. */
  function requireSame(first: Session | null, status: number): void {
    if (first && session && session.sid !== first.sid) {
      throw new AuthError("session_changed", "Somebody else has signed in.", status);
    }
  }

  async function request(method: string, path: string, body?: Json): Promise<Json> {
    try {
      return await answerOf(await authFetch(base + path, initOf(method, body)));
    } catch (error) {
      throw asAuthError(error);
    }
  }

  /** A password confirmed or changed: the answer's tokens take the place of ours, so no refresh may come between. */
  async function prove(path: string, proof: Json, stale = ""): Promise<void> {
    const used = await current({ stale });
    const once = async () => {
      const headers = { Authorization: `Bearer ${used?.access}` };
      const mine = session && session.sid === used?.sid;
      if (!mine || !accept(await post(send, base + path, proof, { credentials, headers }))) throw signedOut();
    };
    try {
      await tabs.exclusively(once, () => true);
    } catch (error) {
      if (stale || !used || (error as AuthError).status !== 401) throw error;
      await prove(path, proof, used.access);
    }
  }

  // ---- From the beginning to the end --------------------------------------------------------------------------------

  const listen = (how: "addEventListener" | "removeEventListener") => {
    attempt(() => document[how]("visibilitychange", wake));
    attempt(() => {
      globalThis[how]("online", wake);
      globalThis[how]("pageshow", wake);
    });
  };
  const begins = kept();
  if (browser) listen("addEventListener");
  void tellOfLogout();
  // A server has no storage that could say so.
  const knows = begins || (!byCookie && (browser || attempt(() => store.get(name)) === ""));
  if (knows && !sidOf(begins)) change({ status: "signed-out", reason: unheard() ? "logout" : "" });
  const ready = current().then(
    () => state,
    () => state,
  );

  return {
    get state() {
      return state;
    },
    ready,
    subscribe: (listener) => on("", () => listener()),
    on,
    login,
    logout,
    token: async (wanted) => (await unlessAborted(wanted?.signal, () => current(wanted)))?.access ?? "",
    refresh: async () => (await renew())?.access ?? "",
    expiresIn: () => Math.max(0, (session?.left() ?? 0) / 1000),
    fetch: authFetch,
    carry,
    request,
    reauthenticate: (proof) => prove("reauthenticate/", proof),
    changePassword: (passwords) => prove("password/", passwords),
    dispose() {
      disposed = true;
      stop();
      tabs.close();
      listeners.clear();
      listen("removeEventListener");
    },
  };
}

/** By a logout that came first, or as the page was left and may be somebody else's now. */
const signedOut = () => new AuthError("signed_out", "Logged out.");

/** Whether the person has proved who this is since the last time that `session` knows of, as `other` says. */
const isStale = (session: Session, other: Session): boolean =>
  (session.claims.auth_time ?? 0) < (other.claims.auth_time ?? 0);
