/** Of another origin a page sees the body, and few headers: CORS hides challenges and Retry-After. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Auth, AuthError } from "../src/index.js";
import { refusalOf } from "../src/refusal.js";
import { Browser, ORIGIN, passes, refusal, settle } from "./world.js";

let browser: Browser;
let auth: Auth;
beforeEach(async () => {
  browser = new Browser();
  browser.server.hidesHeaders = true;
  browser.server.lifetime = 3600;
  auth = await browser.signedIn();
  browser.server.calls.length = 0;
});
afterEach(() => browser.close());

const paths = () => browser.server.calls.map(({ path, status }) => [path, status]);

test("a view that wants a recent login asks the person, with no refresh, and the call goes on", async () => {
  await passes(600_000);
  const asked: number[] = [];
  auth.on("step-up", ({ maxAge, waitUntil }) => {
    asked.push(maxAge);
    waitUntil(auth.reauthenticate({ password: "right" }));
  });
  expect((await settle(auth.fetch(`${ORIGIN}/sensitive/`))).status).toBe(200);
  expect(asked).toEqual([300]);
  expect(paths()).toEqual([
    ["/sensitive/", 401],
    ["/auth/reauthenticate/", 200],
    ["/sensitive/", 200],
  ]);
});

test("a 401 that is handed on has its body still, and a scope that is missing costs no refresh", async () => {
  const answer = await settle(auth.fetch(`${ORIGIN}/forbidden/`));
  expect(await answer.json()).toMatchObject({ error: "insufficient_scope" });
  expect(paths()).toEqual([["/forbidden/", 401]]);
});

test("an old token costs one refresh", async () => {
  browser.server.spoiled.add(await settle(auth.token()));
  expect((await settle(auth.fetch(`${ORIGIN}/profile/`))).status).toBe(200);
  expect(browser.server.refreshes).toBe(1);
});

test("a retry time is read from the body", async () => {
  browser.server.retryAfter = 30;
  browser.server.faults = ["503"];
  expect(await refusal(auth.refresh())).toMatchObject({ code: "temporarily_unavailable", retryAfter: 30 });
  expect(await refusal(auth.refresh())).toBeInstanceOf(AuthError);
  expect(browser.server.refreshes).toBe(1);
});

test("a proxy's retry time, in a header, is respected where it can be seen", async () => {
  browser.server.hidesHeaders = false;
  browser.server.retryAfter = 30;
  browser.server.faults = ["proxy"];
  expect(await refusal(auth.refresh())).toMatchObject({ code: "unexpected_answer", retryAfter: 30 });
  expect(auth.state).toMatchObject({ status: "signed-in", degraded: true });
});

const refused = (body: unknown, challenge = "") =>
  refusalOf(
    new Response(JSON.stringify(body), { status: 401, headers: challenge ? { "WWW-Authenticate": challenge } : {} }),
  );

test("what a refusal means is said by the body, else by the challenge, else it is the token", async () => {
  const expired = 'Bearer realm="api", error="invalid_token"';
  expect(await refused({ error: "insufficient_user_authentication", max_age: 60 }, expired)).toEqual({
    code: "insufficient_user_authentication",
    maxAge: 60,
  });
  // A project's own form of errors, and none at all.
  const stepUp = 'Bearer error="insufficient_user_authentication", max_age="60"';
  for (const body of [{ detail: "no" }, { error: "Unauthorized" }, { error: { code: 1 } }, "no", null, []]) {
    expect(await refused(body, expired)).toEqual({ code: "invalid_token", maxAge: 0 });
    expect(await refused(body, stepUp)).toEqual({ code: "insufficient_user_authentication", maxAge: 60 });
    expect((await refused(body)).code).toBe("invalid_token");
  }
});

test.each([
  ["text", (text: string) => text],
  ["JSON", (text: string) => JSON.parse(text)],
  ["a Blob", (text: string) => new Blob([text])],
  ["a buffer", (text: string) => new TextEncoder().encode(text).buffer],
])("an adapter's body is read as %s", async (_, as) => {
  const data = as(JSON.stringify({ error: "insufficient_scope" }));
  const headers = { get: () => undefined };
  expect((await refusalOf({ status: 401, headers, data })).code).toBe("insufficient_scope");
  expect((await refusalOf({ status: 401, headers, error: data })).code).toBe("insufficient_scope");
});

test("an adapter's stream is left to whoever asked for it", async () => {
  const data = new Blob(["{}"]).stream();
  const read = vi.spyOn(data, "getReader");
  expect((await refusalOf({ status: 401, headers: { get: () => null }, data })).code).toBe("invalid_token");
  expect(read).not.toHaveBeenCalled();
});
