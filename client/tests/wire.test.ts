// `wire.json` says what goes over the wire: here the client is held to it, in tests/http/test_wire.py the server.

import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import wire from "../../wire.json" with { type: "json" };
import { type Auth, type AuthError, createAuth, localStore, memoryStore } from "../src/index.js";
import { createSessions, type Device } from "../src/sessions.js";
import { Area } from "./world.js";

interface Endpoint {
  request?: Record<string, string>;
  status: number;
  answer?: Record<string, unknown>;
  errors: Record<string, number>;
}

const ENDPOINTS = wire.endpoints as unknown as Record<string, Endpoint>;
const BESIDES = wire.errors.besides as Record<string, object>;
const ORIGIN = "https://campus.example";
/** What this client has no use for. */
const UNUSED = ["GET me/", "GET jwks.json"];
/** Codes of the client's own. */
const OWN = ["body_not_replayable", "session_changed", "signed_out", "unexpected_answer"];

/** A value of each shape that the file knows. */
function sample(shape: unknown): unknown {
  if (Array.isArray(shape)) return [sample(shape[0])];
  if (typeof shape !== "string") {
    return Object.fromEntries(Object.entries(shape as object).map(([name, inner]) => [bare(name), sample(inner)]));
  }
  return { string: "text", number: 300, boolean: true }[shape.split(" | ")[0] as string];
}

const bare = (name: string): string => name.replace(/\?$/, "");

/** A server that knows nothing but the file. */
class Server {
  /** Calls and fields that the file has, as they were met. */
  readonly met = new Set<string>();
  readonly strange: string[] = [];
  /** The code of the error to answer this call with. */
  refuse: Record<string, string> = {};
  #generation = 0;

  fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const path = new URL(input as string, ORIGIN).pathname;
    const asked = `${init.method ?? "GET"} ${path.replace("/auth/", "")}`;
    const call = Object.keys(ENDPOINTS).find((each) => new RegExp(`^${each.replace("<sid>", "[^/]+")}$`).test(asked));
    const endpoint: Endpoint = ENDPOINTS[call ?? ""] ?? { ...wire.views, status: 200, answer: {} };
    if (call) this.met.add(call);
    else if (asked !== "GET /view/") this.strange.push(asked);
    const authorized = new Headers(init.headers).has("Authorization");
    if (authorized !== "invalid_token" in endpoint.errors) this.strange.push(`${asked}: Authorization`);
    const sent = Object.keys(init.body ? JSON.parse(init.body as string) : {});
    const request = Object.keys(endpoint.request ?? {});
    for (const name of sent) {
      if (request.map(bare).includes(name)) this.met.add(`${call}: ${name}`);
      else this.strange.push(`${asked}: ${name}`);
    }
    for (const name of request)
      if (!name.endsWith("?") && !sent.includes(name)) this.strange.push(`${asked}: no ${name}`);
    const code = this.refuse[asked];
    return code ? this.#error(code, endpoint.errors[code] as number) : this.#answer(endpoint);
  };

  #answer({ status, answer }: Endpoint): Response {
    if (!answer) return new Response(null, { status });
    const body = sample(answer) as Record<string, unknown>;
    const generation = this.#generation++;
    if ("access_token" in body) {
      const claims = { ...(sample(wire.access_token) as object), sid: "sid", jti: `${generation}` };
      body.access_token = `h.${btoa(JSON.stringify(claims))}.s`;
    }
    const parts: Record<string, unknown> = { sid: "sid", generation, branch: 0 };
    const token = wire.refresh_token.split(".").map((name) => parts[name] ?? "text");
    if ("refresh_token" in body) body.refresh_token = token.join(".");
    return Response.json(body, { status });
  }

  #error(code: string, status: number): Response {
    const body = { ...(sample({ ...wire.errors.answer, ...BESIDES[code] }) as object), error: code };
    const headers: Record<string, string> = wire.errors.retry_after.includes(code) ? { "Retry-After": "7" } : {};
    if (status === 401 || status === 403) {
      const attributes = Object.entries({ realm: "api", ...body }).map(([name, value]) => `${name}="${value}"`);
      headers["WWW-Authenticate"] = `Bearer ${attributes.join(", ")}`;
    }
    return Response.json(body, { status, headers });
  }
}

let server: Server;
let auth: Auth;
beforeEach(() => {
  vi.stubGlobal("localStorage", new Area());
  server = new Server();
});
afterEach(() => {
  expect(server.strange).toEqual([]);
});

async function signedIn(store = localStore()): Promise<Auth> {
  auth = createAuth({ baseURL: `${ORIGIN}/auth/`, store, fetch: server.fetch });
  await auth.login({ username: "ada", password: "open-sesame-42", scope: "read" });
  return auth;
}

const changePassword = () => createSessions(auth).changePassword({ oldPassword: "old", newPassword: "new" });

test.each([localStore, memoryStore])("the client understands what it says, with %o", async (store) => {
  await signedIn(store());
  expect(auth.state).toMatchObject({
    status: "signed-in",
    user: { id: "text", username: "text" },
    claims: { sid: "sid" },
  });
  expect(auth.expiresIn()).toBeCloseTo(300, 0);
  const before = await auth.token();
  expect(await auth.refresh()).not.toBe(before);
  expect(await createSessions(auth).list()).toEqual(sample(wire.endpoints["GET sessions/"].answer.sessions));
  type Told = (typeof wire.endpoints)["GET sessions/"]["answer"]["sessions"][number];
  expectTypeOf<keyof Device>().toEqualTypeOf<keyof Told>();
  expect(await auth.logout()).toBe(true);
});

test("the client makes each call that it names, with each of its fields, and no other", async () => {
  for (const store of [localStore(), memoryStore()]) {
    await signedIn(store);
    await auth.refresh();
    await auth.reauthenticate({ password: "open-sesame-42" });
    const sessions = createSessions(auth);
    await sessions.list();
    await sessions.revoke("another");
    await sessions.revokeOthers();
    await changePassword();
    await auth.logout();
  }
  const named = Object.entries(ENDPOINTS).flatMap(([call, { request }]) => [
    call,
    ...Object.keys(request ?? {}).map((name) => `${call}: ${bare(name)}`),
  ]);
  expect([...server.met, ...UNUSED].sort()).toEqual(named.sort());
});

describe("each error of a call that the client passes on is an AuthError with its code, status and Retry-After", () => {
  const calls: Record<string, () => Promise<unknown>> = {
    "POST login/": () => auth.login({ username: "alan", password: "open-sesame-42" }),
    "POST reauthenticate/": () => auth.reauthenticate({ password: "open-sesame-42" }),
    "GET sessions/": () => createSessions(auth).list(),
    "DELETE sessions/another/": () => createSessions(auth).revoke("another"),
    "DELETE sessions/": () => createSessions(auth).revokeOthers(),
    "POST password/": changePassword,
  };
  const rows = Object.keys(calls).flatMap((call) =>
    Object.entries(ENDPOINTS[call.replace("another", "<sid>")]?.errors ?? { missing: 0 }).map(
      ([code, status]) => [call, code, status] as const,
    ),
  );
  test.each(rows)("%s: %s", async (call, code, status) => {
    await signedIn();
    server.refuse = { [call]: code };
    const error = (await calls[call]?.().catch((reason) => reason)) as AuthError;
    // The body's number, not the header's: that one a page of another origin cannot see.
    const retryAfter = wire.errors.retry_after.includes(code) ? sample("number") : 0;
    expect(error).toMatchObject({ code, status, message: "text", retryAfter, retryable: retryAfter !== 0 });
  });
});

describe("of the errors of a refresh, invalid_grant ends the session, and no other does", () => {
  test.each(Object.keys(ENDPOINTS["POST refresh/"]?.errors ?? {}))("%s", async (code) => {
    const ends = code === "invalid_grant";
    await signedIn();
    server.refuse = { "POST refresh/": code };
    const outcome = await auth.refresh().catch((error: AuthError) => error.code);
    expect(outcome).toBe(ends ? "" : code);
    expect(auth.state.status).toBe(ends ? "signed-out" : "signed-in");
  });
});

describe("of the errors of a view, one means refresh, one asks the person again, and the others are handed on", () => {
  test.each(Object.keys(wire.views.errors))("%s", async (code) => {
    await signedIn();
    const asked: number[] = [];
    auth.on("step-up", ({ maxAge }) => asked.push(maxAge));
    server.refuse = { "GET /view/": code };
    await auth.fetch(`${ORIGIN}/view/`);
    expect(server.met.has("POST refresh/")).toBe(code === "invalid_token");
    expect(asked).toEqual(code === "insufficient_user_authentication" ? [300] : []);
  });
});

test("each name in the client's source that is not written as JavaScript writes names is in it", () => {
  const folder = new URL("../src/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const source = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  const found = new Set(source.replace(/\/\*.*?\*\/|\/\/ [^\n]*/gs, "").match(/\b[a-z]+(_[a-z]+)+\b/g));
  const known = JSON.stringify(wire).match(/\b[a-z]+(_[a-z]+)+\b/g);
  expect([...found].filter((name) => !known?.includes(name)).sort()).toEqual(OWN);
});
