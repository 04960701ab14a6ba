/** One browser with its tabs and one server, in memory: what each may do to the other, and nothing of the client's own. */

import { vi } from "vitest";
import { type Auth, type AuthOptions, createAuth, memoryStore, type Store } from "../src/index.js";

export const ORIGIN = "https://campus.example";
const LIFETIME = 300;
/** Milliseconds for which an old seed's token is not yet refused, but nothing is given for it. */
const PAUSE = 60_000;

/** What the server does with the next call of `refresh/`; "lost" is done, but its answer does not arrive. */
export type Fault = "drop" | "lost" | "hang" | "502" | "503" | "429" | "html" | "gate" | "invalid_request" | "proxy";

interface Row {
  user: string;
  generation: number;
  alive: boolean;
  /** Another one with each password that was changed or confirmed, and when: tokens of an old one are worth nothing. */
  seed?: number;
  seeded?: number;
  byCookie?: boolean;
  /** When the person last gave a password, in seconds. */
  proved?: number;
}

const seconds = () => Math.floor(Date.now() / 1000);

const ofNode = AbortController;

/** Node's Request needs an AbortController, also where a test has taken it from the page. */
function asNode<T>(work: () => T): T {
  const { AbortController } = globalThis;
  globalThis.AbortController = ofNode;
  try {
    return work();
  } finally {
    globalThis.AbortController = AbortController;
  }
}

export class Server {
  readonly rows = new Map<string, Row>();
  readonly calls: { path: string; method: string; status: number; by: string; body: string }[] = [];
  /** The browser's cookie: a refresh token, which no script sees. */
  cookie = "";
  faults: Fault[] = [];
  latency = 20;
  lifetime = LIFETIME;
  offline = false;
  retryAfter = 0;
  /** Other origins see neither challenges nor Retry-After. */
  hidesHeaders = false;
  /** Access tokens that the API refuses although their session lives. */
  readonly spoiled = new Set<string>();
  #serial = 0;
  #jti = 0;

  fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const request = asNode(
      () =>
        new Request(new URL(input instanceof Request ? input.url : input, ORIGIN), {
          ...(input instanceof Request ? { method: input.method, headers: input.headers, body: input.body } : {}),
          ...init,
          duplex: "half",
          // Node's fetch knows neither cookies nor pages.
          keepalive: false,
          signal: null,
        } as RequestInit),
    );
    const call = { path: new URL(request.url).pathname, method: request.method, status: 0, by: "", body: "" };
    this.calls.push(call);
    const body = await request.text();
    call.body = body;
    const fault = call.path.endsWith("/refresh/") ? this.faults.shift() : undefined;
    await this.#travel(init.signal, fault === "hang" ? 60_000 : this.latency / 2);
    if (this.offline || fault === "drop") throw new TypeError("Failed to fetch");
    const response = this.#faulty(fault) ?? this.#answer(request, body, call);
    await this.#travel(init.signal, this.latency / 2);
    if (fault === "lost" || this.offline) throw new TypeError("Failed to fetch");
    call.status = response.status;
    if (this.hidesHeaders) for (const name of ["WWW-Authenticate", "Retry-After"]) response.headers.delete(name);
    return response;
  };

  /** A moment on the network; an aborted request is not waited for. */
  #travel(signal: AbortSignal | null | undefined, milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(new DOMException("aborted", "AbortError"));
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
      setTimeout(resolve, milliseconds);
    });
  }

  #faulty(fault: Fault | undefined): Response | undefined {
    const retry: Record<string, string> = this.retryAfter ? { "Retry-After": String(this.retryAfter) } : {};
    switch (fault) {
      case "502":
        return new Response("<h1>Bad gateway</h1>", { status: 502 });
      case "503":
        return error(503, "temporarily_unavailable", retry);
      case "429":
        return error(429, "rate_limited", retry);
      case "proxy":
        return new Response("<h1>Down for maintenance</h1>", { status: 503, headers: retry });
      case "invalid_request":
        return error(400, "invalid_request");
      case "gate":
        return error(403, "origin_not_allowed");
      case "html":
        return new Response("<h1>Log in to the train's network</h1>", { status: 200 });
      default:
        return undefined;
    }
  }

  #answer(request: Request, text: string, call: { path: string; by: string }): Response {
    const body = text.startsWith("{") ? JSON.parse(text) : {};
    const byCookie = call.path.endsWith("/login/") ? body.transport === "cookie" : !("refresh_token" in body);
    const token = String(byCookie ? this.cookie : body.refresh_token).split(".");
    const sid = token[0] as string;
    const row = this.rows.get(sid);
    if (call.path === "/auth/login/") {
      if (body.password !== "right") return error(401, "invalid_credentials");
      if (byCookie && row) row.alive = false;
      const fresh = `sid-${++this.#serial}`;
      this.rows.set(fresh, { user: body.username, generation: 0, alive: true, byCookie, proved: seconds() });
      return this.#tokens(fresh, byCookie);
    }
    if (call.path === "/auth/refresh/") {
      const seed = token[3]?.replace("mac", "");
      if (row && (row.seed ?? "") !== (seed && Number(seed))) {
        // The client may not have been told yet.
        const told = Date.now() - (row.seeded ?? 0) > PAUSE;
        return told ? error(400, "invalid_grant") : error(503, "temporarily_unavailable", { "Retry-After": "5" });
      }
      if (!row?.alive || Math.abs(row.generation - Number(token[1])) > 1) return error(400, "invalid_grant");
      // The parent is answered with the same successor, as within the server's grace.
      if (Number(token[1]) === row.generation) row.generation++;
      return this.#tokens(sid, byCookie);
    }
    if (call.path === "/auth/logout/") {
      if (row) row.alive = false;
      if (byCookie) this.cookie = "";
      return new Response(null, { status: 204 });
    }
    return this.#api(request, text, call);
  }

  #tokens(sid: string, byCookie: boolean): Response {
    const row = this.rows.get(sid) as Row;
    const iat = seconds();
    const claims = { sub: row.user, sid, iat, exp: iat + this.lifetime, auth_time: row.proved, jti: ++this.#jti };
    const refresh_token = `${sid}.${row.generation}.0.mac${row.seed ?? ""}`;
    if (byCookie) this.cookie = refresh_token;
    const access_token = `h.${btoa(JSON.stringify(claims))}.s`;
    const answer = { access_token, expires_in: this.lifetime, username: row.user };
    return Response.json(byCookie ? answer : { ...answer, refresh_token });
  }

  #api(request: Request, text: string, call: { path: string; by: string }): Response {
    const token = request.headers.get("Authorization")?.replace("Bearer ", "");
    if (!token) return call.path === "/public/" ? Response.json({ by: "" }) : error(401, "invalid_token");
    const claims = JSON.parse(atob(token.split(".")[1] as string));
    const good = this.rows.get(claims.sid)?.alive && claims.exp > Date.now() / 1000 && !this.spoiled.has(token);
    call.by = claims.sub;
    if (!good || call.path === "/always-401/") return error(401, "invalid_token");
    if (call.path === "/forbidden/") return error(401, "insufficient_scope");
    if (call.path === "/sensitive/" && seconds() - claims.auth_time > 300) {
      return error(401, "insufficient_user_authentication", {}, { max_age: 300 });
    }
    if (call.path === "/auth/reauthenticate/") {
      if (JSON.parse(text).password !== "right") return error(400, "invalid_credentials");
      return this.#reseeded(claims.sid);
    }
    if (call.path === "/auth/password/") {
      if (JSON.parse(text).old_password !== "right") return error(400, "invalid_credentials");
      for (const [sid, row] of this.rows) if (sid !== claims.sid && row.user === claims.sub) row.alive = false;
      return this.#reseeded(claims.sid);
    }
    if (request.method === "DELETE" && call.path === "/auth/sessions/") {
      for (const [sid, row] of this.rows) if (sid !== claims.sid && row.user === claims.sub) row.alive = false;
      return new Response(null, { status: 204 });
    }
    return Response.json({ by: claims.sub, body: text });
  }

  /** New tokens, by the session's transport, as after a password that was changed or confirmed. */
  #reseeded(sid: string): Response {
    const row = this.rows.get(sid) as Row;
    Object.assign(row, {
      generation: row.generation + 1,
      seed: (row.seed ?? 0) + 1,
      seeded: Date.now(),
      proved: seconds(),
    });
    return this.#tokens(sid, row.byCookie ?? false);
  }

  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  get refreshes(): number {
    return this.count("/auth/refresh/");
  }
}

function error(status: number, code: string, headers: Record<string, string> = {}, more: object = {}): Response {
  const challenge = Object.entries({ realm: "api", error: code, ...more }).map(([name, value]) => `${name}="${value}"`);
  const retry = headers["Retry-After"] ? { retry_after: Number(headers["Retry-After"]) } : {};
  return Response.json(
    { error: code, error_description: `${code}.`, ...more, ...retry },
    {
      status,
      headers: status === 401 ? { ...headers, "WWW-Authenticate": `Bearer ${challenge.join(", ")}` } : headers,
    },
  );
}

/** navigator.locks, of which Node 20 has none: exclusive, first come first served. */
class Locks {
  readonly #queues = new Map<string, Promise<unknown>>();
  /** As if another page held every lock and were frozen. */
  stuck = false;
  #leave = new EventTarget();

  request(name: string, options: { signal?: AbortSignal }, work: () => Promise<unknown>): Promise<unknown> {
    const before = this.#queues.get(name) ?? Promise.resolve();
    const turn = new Promise<void>((resolve, reject) => {
      options.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      if (!this.stuck) before.then(() => resolve());
    });
    const done = turn.then(work);
    this.#queues.set(
      name,
      before.then(() => done).catch(() => {}),
    );
    const left = new Promise((_, reject) =>
      this.#leave.addEventListener("leave", () => reject(new DOMException("The page was left.", "AbortError"))),
    );
    return Promise.race([done, left]);
  }

  /** As WebKit does when a page is left: the promise of each lock is rejected, whether it is held or waited for. */
  leavePage(): void {
    this.#leave.dispatchEvent(new Event("leave"));
  }
}

/** BroadcastChannel with a delay of our choosing. */
class Channel {
  static all = new Set<Channel>();
  static delay = () => 1;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  constructor(readonly name: string) {
    Channel.all.add(this);
  }
  postMessage(data: unknown) {
    for (const other of Channel.all) {
      if (other === this || other.name !== this.name) continue;
      const copy = structuredClone(data);
      setTimeout(() => Channel.all.has(other) && other.onmessage?.({ data: copy }), Channel.delay());
    }
  }
  close() {
    Channel.all.delete(this);
  }
}

export class Area {
  readonly items = new Map<string, string>();
  getItem = (name: string) => this.items.get(name) ?? null;
  setItem = (name: string, text: string) => void this.items.set(name, text);
  removeItem = (name: string) => void this.items.delete(name);
}

export class Browser {
  readonly server = new Server();
  readonly locks = new Locks();
  readonly local = new Area();
  readonly session = new Area();
  readonly page = Object.assign(new EventTarget(), { visibilityState: "visible", baseURI: `${ORIGIN}/page/` });
  readonly window = new EventTarget();
  readonly navigator: { locks?: Locks; onLine: boolean } = { locks: this.locks, onLine: true };
  readonly tabs: Auth[] = [];

  constructor() {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"], now: 1_800_000_000_000 });
    Channel.all.clear();
    Channel.delay = () => 1;
    vi.stubGlobal("navigator", this.navigator);
    vi.stubGlobal("BroadcastChannel", Channel);
    vi.stubGlobal("localStorage", this.local);
    vi.stubGlobal("sessionStorage", this.session);
    vi.stubGlobal("document", this.page);
    vi.stubGlobal("location", new URL(`${ORIGIN}/page/`));
    vi.stubGlobal("addEventListener", this.window.addEventListener.bind(this.window));
    vi.stubGlobal("removeEventListener", this.window.removeEventListener.bind(this.window));
    vi.stubGlobal("fetch", this.server.fetch);
  }

  messagesTake(delay: () => number): void {
    Channel.delay = delay;
  }

  takeLocksAway(): void {
    delete this.navigator.locks;
  }

  tab(options: AuthOptions = {}): Auth {
    const auth = createAuth(options);
    this.tabs.push(auth);
    return auth;
  }

  /** A tab in which ada is signed in. */
  async signedIn(options: AuthOptions & { username?: string } = {}): Promise<Auth> {
    const { username = "ada", ...rest } = options;
    const auth = this.tab(rest);
    await settle(auth.login({ username, password: "right" }));
    await passes(50);
    return auth;
  }

  close(): void {
    for (const tab of this.tabs) tab.dispose();
    vi.clearAllTimers();
    vi.useRealTimers();
  }

  goOffline(): void {
    this.server.offline = true;
    this.navigator.onLine = false;
  }

  goOnline(): void {
    this.server.offline = false;
    this.navigator.onLine = true;
    this.window.dispatchEvent(new Event("online"));
  }

  wake(): void {
    this.page.dispatchEvent(new Event("visibilitychange"));
  }

  /** The page comes back as it was left. */
  comeBack(): void {
    this.window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  }
}

/** A store of one tab's own, as sessionStorage is: two of them in one process do not see each other. */
export function ownStore(like: Store = memoryStore()): Store & { kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    ...like,
    shared: false,
    transport: "body",
    kept,
    get: (name) => kept.get(name) ?? "",
    set: (name, text) => void (text ? kept.set(name, text) : kept.delete(name)),
  };
}

export const passes = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

/** What the promise comes to, with as much time as it needs, up to two minutes. Its rejection is thrown. */
export async function settle<T>(promise: Promise<T>): Promise<T> {
  let open = true;
  const outcome = promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  void outcome.then(() => {
    open = false;
  });
  for (let step = 0; open && step < 24_000; step++) {
    await passes(5);
    // Node's own streams and bodies take a turn of the real event loop.
    if (open && step % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (open) throw new Error("never settled");
  const result = await outcome;
  if ("reason" in result) throw result.reason;
  return result.value;
}

/** The AuthError that the promise ends in. */
export async function refusal(promise: Promise<unknown>): Promise<import("../src/index.js").AuthError> {
  try {
    await settle(promise);
  } catch (error) {
    return error as import("../src/index.js").AuthError;
  }
  throw new Error("not refused");
}
