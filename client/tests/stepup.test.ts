import { afterEach, beforeEach, expect, test } from "vitest";
import type { Auth } from "../src/index.js";
import { Browser, ORIGIN, passes, refusal, settle } from "./world.js";

let browser: Browser;
/** Ada's, who gave her password ten minutes ago. */
let auth: Auth;
beforeEach(async () => {
  browser = new Browser();
  browser.server.lifetime = 3600;
  auth = await browser.signedIn();
  await passes(600_000);
});
afterEach(() => browser.close());

const call = (client = auth) => client.fetch(`${ORIGIN}/sensitive/`, { method: "POST", body: "42" });
const sensitive = () => browser.server.calls.filter(({ path }) => path === "/sensitive/");
const statuses = async (...answers: Promise<Response>[]) =>
  (await settle(Promise.all(answers))).map(({ status }) => status);

test("calls that want a recent login ask the person once, and are then sent again as they were", async () => {
  const asked: number[] = [];
  auth.on("step-up", ({ maxAge, waitUntil }) => {
    asked.push(maxAge);
    waitUntil(auth.reauthenticate({ password: "right" }));
  });
  expect(await statuses(call(), call(), call())).toEqual([200, 200, 200]);
  expect(asked).toEqual([300]);
  expect(browser.server.count("/auth/reauthenticate/")).toBe(1);
  expect(sensitive().map(({ body }) => body)).toEqual(Array(6).fill("42"));
  expect(browser.server.refreshes).toBe(0);
  expect(await statuses(call())).toEqual([200]);
  expect(asked).toHaveLength(1);
});

test("whom nobody asks, or who declines, gets the 401 as it came", async () => {
  expect(await statuses(call())).toEqual([401]);
  auth.on("step-up", ({ waitUntil }) => waitUntil(Promise.reject(new Error("not now"))));
  const response = await settle(call());
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: "insufficient_user_authentication" });
  expect(sensitive()).toHaveLength(2);
  expect([auth.state.status, browser.server.refreshes]).toEqual(["signed-in", 0]);
});

test("a listener that settles without a new token repeats nothing", async () => {
  auth.on("step-up", ({ waitUntil }) => waitUntil(Promise.resolve()));
  expect(await statuses(call())).toEqual([401]);
  expect(sensitive()).toHaveLength(1);
});

test("a call whose 401 arrives when the person has confirmed meanwhile is sent again without asking", async () => {
  const late = call();
  await passes(5);
  const asked: number[] = [];
  auth.on("step-up", ({ maxAge }) => asked.push(maxAge));
  browser.server.latency = 2;
  const confirmed = auth.reauthenticate({ password: "right" });
  expect(await statuses(late)).toEqual([200]);
  await confirmed;
  expect(asked).toEqual([]);
});

test("a call may meet an old token first and the want of a recent login then", async () => {
  browser.server.spoiled.add(await auth.token());
  auth.on("step-up", ({ waitUntil }) => waitUntil(auth.reauthenticate({ password: "right" })));
  expect(await statuses(call())).toEqual([200]);
  expect(sensitive().map(({ status }) => status)).toEqual([401, 401, 200]);
  expect(browser.server.refreshes).toBe(1);
});

test("a wrong password is an AuthError, and the session goes on", async () => {
  const error = await refusal(auth.reauthenticate({ password: "wrong" }));
  expect(error).toMatchObject({ code: "invalid_credentials", status: 400, retryable: false });
  expect(auth.state.status).toBe("signed-in");
});

test("the new token is told to the other tabs, and the refresh token stays good", async () => {
  const other = browser.tab();
  await settle(other.ready);
  await settle(auth.reauthenticate({ password: "right" }));
  await passes(10);
  expect(await settle(other.token())).toBe(await settle(auth.token()));
  expect(await statuses(call(other))).toEqual([200]);
  await settle(auth.refresh());
  expect(auth.state.status).toBe("signed-in");
});

test("a refresh that was under way does not take back what the person has confirmed", async () => {
  browser.server.latency = 200;
  const refreshed = auth.refresh();
  await passes(120);
  browser.server.latency = 2;
  await settle(auth.reauthenticate({ password: "right" }));
  await settle(refreshed);
  expect(await statuses(call())).toEqual([200]);
});

test("nothing is sent again as somebody else, and a logout is not undone", async () => {
  auth.on("step-up", ({ waitUntil }) => waitUntil(auth.login({ username: "alan", password: "right" })));
  expect((await refusal(call())).code).toBe("session_changed");
  expect(sensitive()).toHaveLength(1);
  const response = refusal(auth.reauthenticate({ password: "right" }));
  await settle(auth.logout());
  expect((await response).code).toBe("signed_out");
  expect(auth.state.status).toBe("signed-out");
});
