import axios, { type AxiosError } from "axios";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { attach } from "../src/axios.js";
import type { Auth } from "../src/index.js";
import { Browser, ORIGIN, passes, refusal, settle } from "./world.js";

let browser: Browser;
let auth: Auth;
beforeEach(async () => {
  browser = new Browser();
  auth = await browser.signedIn();
  browser.server.calls.length = 0;
});
afterEach(() => browser.close());

const api = (options = {}) => axios.create({ adapter: "fetch", baseURL: ORIGIN, ...options });
const attached = (options = {}) => {
  const instance = api(options);
  attach(instance, auth);
  return instance;
};
const spoil = async () => browser.server.spoiled.add(await auth.token());
const sent = () => browser.server.calls.map(({ path, status, by }) => [path, status, by]);

test("20 calls that meet 401 share one refresh and are all answered", async () => {
  await spoil();
  const client = attached();
  const answers = await settle(Promise.all(Array.from({ length: 20 }, () => client.get("/profile/"))));
  expect(answers.map(({ status, data }) => [status, data.by])).toEqual(Array(20).fill([200, "ada"]));
  expect(browser.server.refreshes).toBe(1);
});

test("a body is transformed once, and repeated as it was sent although the object has changed since", async () => {
  await spoil();
  const client = attached();
  let transformed = 0;
  let intercepted = 0;
  client.interceptors.request.use((config) => {
    intercepted++;
    return config;
  });
  const grade = { name: "grüß Gott" };
  const answer = client.post("/grades/", grade, {
    transformRequest: [
      (data) => {
        transformed++;
        return ` ${data.name} `;
      },
    ],
  });
  await passes(15);
  grade.name = "changed";
  expect((await settle(answer)).status).toBe(200);
  const bodies = browser.server.calls.filter(({ path }) => path === "/grades/").map(({ body }) => body);
  expect(bodies).toEqual([" grüß Gott ", " grüß Gott "]);
  expect([transformed, intercepted]).toEqual([1, 1]);
});

test("an error is axios' own, with its answer, and without the token", async () => {
  const error = (await refusal(attached().get("/always-401/"))) as unknown as AxiosError;
  expect(axios.isAxiosError(error)).toBe(true);
  expect(error.response).toMatchObject({ status: 401, data: { error: "invalid_token" } });
  expect(error.config).toMatchObject({ adapter: "fetch", url: "/always-401/" });
  expect(JSON.stringify([error.toJSON(), error.response?.config])).not.toContain(await auth.token());
  expect(browser.server.refreshes).toBe(1);
});

test("the config of an answer is good for another call", async () => {
  const client = attached();
  const { config } = await settle(client.post("/grades/", { grade: "A" }));
  await spoil();
  expect((await settle(client.request(config))).data).toEqual({ by: "ada", body: '{"grade":"A"}' });
});

test("the token goes to no other origin, to no auth endpoint, and in nobody's own header's place", async () => {
  const client = attached({ validateStatus: () => true });
  await settle(client.get("https://elsewhere.example/public/"));
  await settle(client.post("/auth/login/", { username: "ada", password: "wrong" }));
  await settle(client.get("/profile/", { headers: { Authorization: `Bearer h.${btoa('{"sub":"eve"}')}.s` } }));
  expect(sent()).toEqual([
    ["/public/", 200, ""],
    ["/auth/login/", 401, ""],
    ["/profile/", 401, "eve"],
  ]);
});

test("a call of the user before is neither repeated nor answered", async () => {
  await spoil();
  const answer = refusal(attached().post("/grades/", {}));
  await passes(5);
  await settle(auth.login({ username: "alan", password: "right" }));
  expect((await answer).code).toBe("session_changed");
  expect(browser.server.count("/grades/")).toBe(1);
});

test("a call that is cancelled while the token is refreshed is not sent again", async () => {
  await spoil();
  const cancelling = new AbortController();
  auth.on("refreshed", () => cancelling.abort());
  const error = await refusal(attached().get("/profile/", { signal: cancelling.signal }));
  expect(axios.isCancel(error)).toBe(true);
  expect(browser.server.count("/profile/")).toBe(1);
});

test.each(["signal", "cancelToken"])(
  "a call that is cancelled by its %s while the token is refreshed ends at once",
  async (by) => {
    await passes(301_000);
    browser.server.latency = 2_000;
    const cancelling = new AbortController();
    const source = axios.CancelToken.source();
    const how = by === "signal" ? { signal: cancelling.signal } : { cancelToken: source.token };
    const ended = vi.fn();
    attached().get("/profile/", how).catch(ended);
    await passes(100);
    expect(ended).not.toHaveBeenCalled();
    cancelling.abort();
    source.cancel();
    await passes(0);
    expect(axios.isCancel(ended.mock.calls[0]?.[0])).toBe(true);
    await passes(10_000);
    expect(sent().map(([path]) => path)).toEqual(["/auth/refresh/"]);
  },
);

test.each(["text", "json", "blob", "arraybuffer"] as const)(
  "on another origin a recent login is asked for by a body of %s",
  async (responseType) => {
    browser.server.hidesHeaders = true;
    await passes(301_000);
    auth.on("step-up", ({ waitUntil }) => waitUntil(auth.reauthenticate({ password: "right" })));
    expect((await settle(attached().get("/sensitive/", { responseType }))).status).toBe(200);
    expect(browser.server.count("/auth/reauthenticate/")).toBe(1);
  },
);

test("without an answer the error is axios' own, and a stream is refused before it is sent", async () => {
  browser.goOffline();
  expect((await refusal(attached().get("/profile/"))).code).toBe("ERR_NETWORK");
  browser.goOnline();
  const stream = new Blob(["A"]).stream();
  expect((await refusal(attached().post("/grades/", stream))).code).toBe("body_not_replayable");
  expect(browser.server.count("/grades/")).toBe(0);
});

test("a call that wants a recent login asks the person, and is sent again", async () => {
  await passes(301_000);
  auth.on("step-up", ({ waitUntil }) => waitUntil(auth.reauthenticate({ password: "right" })));
  expect((await settle(attached().post("/sensitive/", { grade: "A" }))).data).toEqual({
    by: "ada",
    body: '{"grade":"A"}',
  });
});

test("an instance that is detached sends no token", async () => {
  const client = api();
  attach(client, auth)();
  await settle(client.get("/public/"));
  expect(sent()).toEqual([["/public/", 200, ""]]);
});
