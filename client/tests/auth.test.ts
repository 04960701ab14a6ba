import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AuthError, localStore, memoryStore, type Reason } from "../src/index.js";
import { createSessions } from "../src/sessions.js";
import { Browser, ORIGIN, ownStore, passes, refusal, settle } from "./world.js";

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => browser.close());

const HOUR = 3_600_000;
const KEY = `ironclad:1:${ORIGIN}/auth/`;
const get = (auth: { fetch: typeof fetch }, path = "/profile/") => auth.fetch(ORIGIN + path);

describe("signing in and out", () => {
  test("a login puts the user and the claims into a frozen state, and the token with every call", async () => {
    const auth = await browser.signedIn();
    expect(auth.state).toMatchObject({ status: "signed-in", user: { id: "ada", username: "ada" }, degraded: false });
    expect(auth.state.claims?.sid).toBe("sid-1");
    expect(Object.isFrozen(auth.state)).toBe(true);
    expect(await (await settle(get(auth))).json()).toMatchObject({ by: "ada" });
  });

  test("a wrong password is an AuthError with the server's code, and nobody is signed in", async () => {
    const auth = browser.tab();
    const error = await refusal(auth.login({ username: "ada", password: "wrong" }));
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ code: "invalid_credentials", status: 401, retryable: false });
    expect(auth.state.status).toBe("signed-out");
  });

  test("the state is another object only when something in it changed", async () => {
    const auth = await browser.signedIn();
    const seen = [auth.state];
    auth.subscribe(() => seen.push(auth.state));
    await settle(auth.token());
    await settle(get(auth));
    browser.wake();
    await passes(100);
    expect(seen).toHaveLength(1);
    const { user } = auth.state;
    await settle(auth.refresh());
    await passes(100);
    expect(seen.map((state) => state.refreshing)).toEqual([false, true, true, false].slice(0, seen.length));
    expect(new Set(seen).size).toBe(seen.length);
    expect(auth.state.user).toBe(user);
    await settle(auth.logout());
    const out = auth.state;
    await settle(auth.logout());
    expect(auth.state).toBe(out);
  });

  test("a listener that throws disturbs nobody, and one that is taken off hears nothing", async () => {
    const auth = browser.tab();
    const heard: string[] = [];
    const off = auth.on("signed-in", () => heard.push("off"));
    off();
    auth.on("signed-in", ({ user }) => heard.push(user.username));
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    process.on("uncaughtException", note);
    auth.subscribe(() => {
      throw new Error("mine");
    });
    await settle(auth.login({ username: "ada", password: "right" })).catch(note);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("uncaughtException", note);
    expect(heard).toEqual(["ada"]);
    expect(auth.state.status).toBe("signed-in");
  });

  test("whoever unsubscribes hears nothing more, not even of what has just happened", async () => {
    const auth = await browser.signedIn();
    const heard = vi.fn();
    const off = [auth.subscribe(heard), auth.on("signed-out", heard)];
    void auth.logout();
    for (const end of off) end();
    await passes(100);
    expect(heard).not.toHaveBeenCalled();
  });

  test("by default nothing that a script can read holds a refresh token, or any token", async () => {
    await browser.signedIn();
    expect([...browser.local.items]).toEqual([[KEY, "sid-1"]]);
    expect(browser.session.items.size).toBe(0);
  });

  test("a logout is at once, tells the server, and leaves nothing behind but that nobody is signed in", async () => {
    const auth = await browser.signedIn();
    const out: Reason[] = [];
    auth.on("signed-out", ({ reason }) => out.push(reason));
    const told = auth.logout();
    expect(auth.state).toMatchObject({ status: "signed-out", user: null, claims: null, reason: "logout" });
    expect(await settle(told)).toBe(true);
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
    expect([...browser.local.items]).toEqual([[KEY, ".sid-1.logout"]]);
    expect(await settle(auth.token())).toBe("");
    expect(out).toEqual(["logout"]);
  });

  test("a logout of all devices ends the others first, and of the others keeps this one", async () => {
    const auth = await browser.signedIn();
    browser.server.rows.set("phone", { user: "ada", generation: 0, alive: true });
    await settle(auth.logout({ scope: "others" }));
    expect(browser.server.rows.get("phone")?.alive).toBe(false);
    expect(auth.state.status).toBe("signed-in");
    browser.server.rows.set("tablet", { user: "ada", generation: 0, alive: true });
    await settle(auth.logout({ scope: "all" }));
    expect([...browser.server.rows.values()].some((row) => row.alive)).toBe(false);
    expect(auth.state.status).toBe("signed-out");
  });

  test("a logout of all devices while offline is out here, and says that it could not do the rest", async () => {
    const auth = await browser.signedIn();
    browser.goOffline();
    expect(await refusal(auth.logout({ scope: "all" }))).toMatchObject({ code: "unreachable", retryable: true });
    expect(auth.state).toMatchObject({ status: "signed-out", reason: "logout" });
  });

  test("a logout during a login wins, and the session that the login began is ended", async () => {
    const auth = browser.tab();
    const login = refusal(auth.login({ username: "ada", password: "right" }));
    await passes(5);
    void auth.logout();
    expect(await login).toMatchObject({ code: "signed_out" });
    await passes(1000);
    expect(auth.state.status).toBe("signed-out");
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
  });

  test("a logout during a refresh is out, and stays out when the answer arrives", async () => {
    const auth = await browser.signedIn();
    browser.server.latency = 2000;
    const asked = auth.refresh();
    await passes(1500);
    void auth.logout();
    await passes(50);
    expect(browser.server.count("/auth/logout/")).toBe(1);
    expect(await settle(asked)).toBe("");
    await passes(10_000);
    expect(auth.state).toMatchObject({ status: "signed-out", reason: "logout", refreshing: false });
    expect(await settle(auth.token())).toBe("");
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
  });

  test("an offline logout survives a reload, and the server hears of it when the network is back", async () => {
    const auth = await browser.signedIn();
    browser.goOffline();
    expect(await settle(auth.logout())).toBe(false);
    auth.dispose();
    const reloaded = browser.tab();
    expect(await settle(reloaded.ready)).toMatchObject({ status: "signed-out", reason: "logout" });
    await passes(20_000);
    expect(browser.server.rows.get("sid-1")?.alive).toBe(true);
    browser.goOnline();
    await passes(1000);
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
    expect([...browser.local.items]).toEqual([[KEY, ".sid-1.logout"]]);
    expect(browser.server.refreshes).toBe(0);
  });

  test("a login after an offline logout is not undone by it", async () => {
    const auth = await browser.signedIn();
    browser.goOffline();
    await settle(auth.logout());
    browser.server.offline = false;
    await settle(auth.login({ username: "rosa", password: "right" }));
    browser.goOnline();
    await passes(1000);
    expect(browser.server.rows.get("sid-2")?.alive).toBe(true);
    expect(auth.state.user?.username).toBe("rosa");
  });

  test("a login after an offline logout is not undone by another tab that has not heard of it", async () => {
    browser.tab();
    browser.messagesTake(() => 10 ** 9);
    const auth = await browser.signedIn();
    browser.goOffline();
    await settle(auth.logout());
    browser.server.offline = false;
    const login = auth.login({ username: "rosa", password: "right" });
    await passes(5);
    browser.wake();
    await settle(login);
    await passes(1000);
    expect(browser.server.rows.get("sid-2")?.alive).toBe(true);
  });

  test("a client that was disposed of asks nothing, hears nothing and holds nothing", async () => {
    const auth = await browser.signedIn({ refreshBefore: 10 });
    const other = browser.tab();
    await settle(other.ready);
    const removed = vi.fn();
    vi.stubGlobal("removeEventListener", removed);
    auth.dispose();
    expect(removed.mock.calls.map(([event]) => event)).toEqual(["online", "pageshow"]);
    const { length } = browser.server.calls;
    browser.wake();
    await passes(400_000);
    expect(await refusal(auth.token())).toMatchObject({ code: "disposed" });
    expect(browser.server.calls).toHaveLength(length);
  });
});

describe("refreshing", () => {
  test("20 calls that meet 401 share one refresh and are all answered", async () => {
    const auth = await browser.signedIn();
    browser.server.spoiled.add(await settle(auth.token()));
    const answers = await settle(Promise.all(Array.from({ length: 20 }, () => get(auth))));
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200));
    expect(browser.server.refreshes).toBe(1);
  });

  test("a 401 that arrives late, when the token is a new one already, costs no second refresh", async () => {
    const auth = await browser.signedIn();
    browser.server.spoiled.add(await settle(auth.token()));
    browser.server.latency = 1000;
    const slow = get(auth);
    await passes(1);
    browser.server.latency = 20;
    const quick = get(auth);
    expect((await settle(quick)).status).toBe(200);
    expect((await settle(slow)).status).toBe(200);
    expect(browser.server.refreshes).toBe(1);
  });

  test("a token that is about to end is refreshed before the call, so that no call meets 401", async () => {
    const auth = await browser.signedIn();
    await passes(296_000);
    expect((await settle(get(auth))).status).toBe(200);
    expect(browser.server.calls.map((call) => call.status)).toEqual([200, 200, 200]);
    expect(await settle(auth.token({ minValidity: 200 }))).toBe(await settle(auth.token()));
    await passes(110_000);
    expect(auth.expiresIn()).toBeCloseTo(189.9, 0);
    await settle(auth.token({ minValidity: 200 }));
    expect(browser.server.refreshes).toBe(1);
    await settle(auth.token({ minValidity: 140 }));
    await passes(60_000);
    await settle(auth.token({ minValidity: 140 }));
    expect(browser.server.refreshes).toBe(2);
  });

  test("tokens that live for seconds are not refreshed with every call", async () => {
    browser.server.lifetime = 4;
    const auth = await browser.signedIn();
    await passes(1000);
    await settle(get(auth));
    await settle(get(auth));
    expect(browser.server.refreshes).toBe(0);
  });

  test("an always-401 view called 10 times costs one refresh, and nobody is signed out", async () => {
    const auth = await browser.signedIn();
    for (let call = 0; call < 10; call++) expect((await settle(get(auth, "/always-401/"))).status).toBe(401);
    expect(browser.server.refreshes).toBe(1);
    expect(browser.server.count("/always-401/")).toBe(11);
    expect(auth.state.status).toBe("signed-in");
  });

  test("a view that was hopeless with one token gets its chance with the next", async () => {
    const auth = await browser.signedIn();
    await settle(get(auth, "/always-401/"));
    await settle(auth.refresh());
    await settle(get(auth, "/always-401/"));
    expect(browser.server.refreshes).toBe(3);
  });

  test("a 401 that names another error than the token is handed on", async () => {
    const auth = await browser.signedIn();
    expect((await settle(get(auth, "/forbidden/"))).status).toBe(401);
    expect(browser.server.refreshes).toBe(0);
  });

  test.each(["drop", "lost", "502", "503", "html", "429"] as const)(
    "one %s is repeated, and nobody notices",
    async (fault) => {
      const auth = await browser.signedIn();
      const degraded = vi.fn();
      auth.on("degraded", degraded);
      browser.server.faults = [fault];
      browser.server.spoiled.add(await settle(auth.token()));
      expect((await settle(get(auth))).status).toBe(200);
      expect(browser.server.refreshes).toBe(2);
      expect(degraded).not.toHaveBeenCalled();
    },
  );

  test.each([
    ["drop", "unreachable"],
    ["502", "unexpected_answer"],
    ["503", "temporarily_unavailable"],
    ["html", "unexpected_answer"],
    ["429", "rate_limited"],
  ] as const)("many %s are a retryable error, still signed in, then working again", async (fault, code) => {
    const auth = await browser.signedIn();
    browser.server.faults = Array(4).fill(fault);
    browser.server.spoiled.add(await settle(auth.token()));
    expect(await refusal(get(auth))).toMatchObject({ code, retryable: true });
    expect(auth.state).toMatchObject({ status: "signed-in", degraded: true, refreshing: false });
    expect(browser.server.refreshes).toBe(4);
    expect((await settle(get(auth))).status).toBe(200);
    expect(auth.state.degraded).toBe(false);
  });

  test("a refused origin ends nothing, and is not asked again", async () => {
    const auth = await browser.signedIn();
    browser.server.faults = ["gate"];
    expect(await refusal(auth.refresh())).toMatchObject({ code: "origin_not_allowed", retryable: false });
    expect(auth.state).toMatchObject({ status: "signed-in", degraded: true });
    expect(browser.server.refreshes).toBe(1);
  });

  test("a short Retry-After is waited for, a long one is handed on and respected", async () => {
    const auth = await browser.signedIn();
    browser.server.retryAfter = 2;
    browser.server.faults = ["429"];
    const started = performance.now();
    await settle(auth.refresh());
    expect(performance.now() - started).toBeGreaterThan(2000);
    browser.server.retryAfter = 30;
    browser.server.faults = ["429"];
    expect(await refusal(auth.refresh())).toMatchObject({ code: "rate_limited", retryAfter: 30 });
    expect(await refusal(auth.refresh())).toMatchObject({ code: "rate_limited" });
    expect(browser.server.refreshes).toBe(3);
    await passes(30_000);
    expect(await settle(auth.refresh())).not.toBe("");
  });

  test("a refresh that hangs is given up in time for the server's grace of 10 s", async () => {
    const auth = await browser.signedIn();
    browser.server.faults = ["hang"];
    const asked = auth.refresh();
    await passes(9_500);
    expect(browser.server.refreshes).toBe(2);
    expect(await settle(asked)).not.toBe("");
  });

  test("a good token is used while the refresh that was to come early fails", async () => {
    const auth = await browser.signedIn();
    const token = await settle(auth.token());
    await passes(296_000);
    browser.goOffline();
    expect(await settle(auth.token())).toBe(token);
    expect(auth.state.degraded).toBe(true);
  });

  test("offline is not asked again and again; back online it recovers by itself", async () => {
    const auth = await browser.signedIn();
    browser.server.spoiled.add(await settle(auth.token()));
    browser.goOffline();
    expect(await refusal(auth.refresh())).toMatchObject({ code: "unreachable", retryable: true });
    expect(browser.server.refreshes).toBe(1);
    expect(auth.state).toMatchObject({ status: "signed-in", degraded: true });
    browser.goOnline();
    await passes(500);
    expect(auth.state).toMatchObject({ status: "signed-in", degraded: false });
    expect(browser.server.refreshes).toBe(2);
  });

  test("invalid_grant signs out, once and with that reason, and the call gets its 401", async () => {
    const auth = await browser.signedIn();
    const out: Reason[] = [];
    auth.on("signed-out", ({ reason }) => out.push(reason));
    browser.server.spoiled.add(await settle(auth.token()));
    browser.server.rows.delete("sid-1");
    const answers = await settle(Promise.all([get(auth), get(auth), get(auth)]));
    await passes(1000);
    expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401]);
    expect(out).toEqual(["invalid_grant"]);
    expect(auth.state).toMatchObject({ status: "signed-out", reason: "invalid_grant" });
    expect(browser.server.refreshes).toBe(1);
    expect([...browser.local.items]).toEqual([[KEY, ".sid-1.invalid_grant"]]);
  });

  test.each(["memory", "local"])("invalid_request, as for two cookies of one name, ends nothing (%s)", async (kind) => {
    const store = () => (kind === "local" ? localStore() : memoryStore());
    const auth = await browser.signedIn({ store: store() });
    browser.server.spoiled.add(await settle(auth.token()));
    browser.server.faults = ["invalid_request", "invalid_request"];
    expect(await refusal(get(auth))).toMatchObject({ code: "invalid_request", status: 400, retryable: false });
    expect(auth.state).toMatchObject({ status: "signed-in", degraded: true });
    auth.dispose();
    // Nor where it is met while the page loads.
    const reloaded = browser.tab({ store: store() });
    expect(await settle(reloaded.ready)).toMatchObject({ status: "unknown", degraded: true });
    browser.wake();
    await passes(500);
    expect(reloaded.state).toMatchObject({ status: "signed-in", degraded: false });
  });

  test("an answer without a usable token is no answer", async () => {
    const auth = browser.tab({ fetch: async () => Response.json({ access_token: "opaque", expires_in: 300 }) });
    expect(await refusal(auth.login({}))).toMatchObject({ code: "unexpected_answer", retryable: true });
    expect(auth.state.status).toBe("signed-out");
  });
});

describe("clocks", () => {
  test.each([HOUR, -HOUR, 24 * HOUR, -24 * HOUR])(
    "a clock that jumps by %i ms costs one refresh at most",
    async (jump) => {
      const auth = await browser.signedIn({ refreshBefore: 10 });
      const claims = () => browser.server.rows.get("sid-1")?.alive;
      vi.setSystemTime(Date.now() + jump);
      // The server's clock is its own; what it thinks of `exp` does not jump with the device's.
      browser.server.lifetime = 300 + Math.abs(jump) / 1000;
      for (let call = 0; call < 5; call++) await settle(auth.token());
      await passes(5000);
      expect(browser.server.refreshes).toBeLessThanOrEqual(1);
      expect(claims()).toBe(true);
    },
  );

  test("after a jump backwards the token still ends when its time has passed", async () => {
    const auth = await browser.signedIn();
    vi.setSystemTime(Date.now() - HOUR);
    await passes(301_000);
    expect(auth.expiresIn()).toBe(0);
    await settle(auth.token());
    expect(browser.server.refreshes).toBe(1);
  });

  test("a refresh timer refreshes before the end, whoever asks or not", async () => {
    const auth = await browser.signedIn({ refreshBefore: 30 });
    await passes(269_000);
    expect(browser.server.refreshes).toBe(0);
    await passes(2_000);
    expect(browser.server.refreshes).toBe(1);
    await passes(271_000);
    expect(browser.server.refreshes).toBe(2);
    expect(auth.state.status).toBe("signed-in");
  });

  test("a refresh timer with a token of 30 days does not fire at once", async () => {
    browser.server.lifetime = 30 * 24 * 3600;
    await browser.signedIn({ refreshBefore: 30 });
    const waits = vi.spyOn(globalThis, "setTimeout");
    await passes(24 * HOUR);
    expect(browser.server.refreshes).toBe(0);
    expect(waits.mock.calls.every(([, wait]) => (wait ?? 0) < 2 ** 31)).toBe(true);
    await passes(28 * 24 * HOUR);
    expect(browser.server.refreshes).toBe(0);
    await passes(2 * 24 * HOUR);
    expect(browser.server.refreshes).toBe(1);
  });

  test("a hidden page does not refresh by timer, and does once it is seen", async () => {
    await browser.signedIn({ refreshBefore: 30 });
    browser.page.visibilityState = "hidden";
    await passes(400_000);
    expect(browser.server.refreshes).toBe(0);
    browser.page.visibilityState = "visible";
    browser.wake();
    await passes(2000);
    expect(browser.server.refreshes).toBe(1);
  });
});

describe("tabs", () => {
  const five = async () => {
    const tabs = [await browser.signedIn()];
    for (let tab = 1; tab < 5; tab++) {
      tabs.push(browser.tab());
      await settle((tabs[tab] as (typeof tabs)[0]).ready);
    }
    return tabs;
  };

  const sixRounds = async () => {
    const tabs = await five();
    const statuses: number[] = [];
    for (let round = 0; round < 6; round++) {
      for (const tab of tabs) browser.server.spoiled.add(await settle(tab.token()));
      const calls = tabs.flatMap((tab) => Array.from({ length: 8 }, () => get(tab)));
      for (const answer of await settle(Promise.all(calls))) statuses.push(answer.status);
    }
    return { tabs, statuses };
  };

  test("5 tabs, 8 calls each, 6 rounds: 240 answers, 6 refreshes", async () => {
    const { statuses } = await sixRounds();
    expect(statuses).toEqual(Array(240).fill(200));
    expect(browser.server.refreshes).toBe(6);
  });

  test("the same without locks: 240 answers, and nobody is signed out", async () => {
    browser.takeLocksAway();
    const { tabs, statuses } = await sixRounds();
    expect(statuses).toEqual(Array(240).fill(200));
    expect(tabs.map((tab) => tab.state.status)).toEqual(Array(5).fill("signed-in"));
  });

  test("a lock that a frozen page holds is waited for 5 s, and then done without", async () => {
    const auth = await browser.signedIn();
    browser.locks.stuck = true;
    const asked = auth.refresh();
    await passes(4_900);
    expect(browser.server.refreshes).toBe(0);
    expect(await settle(asked)).not.toBe("");
  });

  test("a visitor asks once in this browser, a reload once, a second tab beside a live one nothing", async () => {
    await settle(browser.tab().ready);
    await settle(browser.tab().ready);
    expect(browser.server.refreshes).toBe(1);
    expect(browser.tabs.map((tab) => tab.state.status)).toEqual(Array(2).fill("signed-out"));
    browser.server.calls.length = 0;
    const auth = await browser.signedIn();
    const second = browser.tab();
    expect(await settle(second.ready)).toMatchObject({ status: "signed-in", user: { username: "ada" } });
    expect(browser.server.refreshes).toBe(0);
    for (const tab of browser.tabs) tab.dispose();
    await settle(browser.tab().ready);
    expect(browser.server.refreshes).toBe(1);
    expect(auth.state.status).toBe("signed-in");
  });

  test("a logout in one tab is a logout in all, at once", async () => {
    const tabs = await five();
    void tabs[3]?.logout();
    await passes(10);
    expect(tabs.map((tab) => tab.state.reason)).toEqual(Array(5).fill("logout"));
    await passes(1000);
    expect(tabs.map((tab) => tab.state.status)).toEqual(Array(5).fill("signed-out"));
  });

  test("a refused refresh in one tab signs out all, each once and with the reason", async () => {
    const tabs = await five();
    const out: Reason[] = [];
    for (const tab of tabs) tab.on("signed-out", ({ reason }) => out.push(reason));
    browser.server.cookie = "";
    browser.server.spoiled.add(await settle((tabs[0] as (typeof tabs)[0]).token()));
    await settle(Promise.all(tabs.map((tab) => get(tab))));
    await passes(1000);
    expect(out).toEqual(Array(5).fill("invalid_grant"));
    expect(browser.server.refreshes).toBe(1);
  });

  test("a token that another tab's refresh brings after the logout is refused", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    browser.messagesTake(() => 300);
    browser.server.latency = 100;
    void second.refresh();
    await passes(90);
    void first.logout();
    await passes(5000);
    expect([first.state.status, second.state.status]).toEqual(["signed-out", "signed-out"]);
    expect([await settle(first.token()), await settle(second.token())]).toEqual(["", ""]);
  });

  test("a logout elsewhere while a page loads leaves it signed out", async () => {
    const auth = await browser.signedIn();
    await passes(301_000);
    browser.server.latency = 400;
    const loading = browser.tab();
    await passes(350);
    void auth.logout();
    await passes(5000);
    expect(loading.state).toMatchObject({ status: "signed-out", reason: "logout" });
    expect(await settle(loading.token())).toBe("");
  });

  test("a page that slept through an offline logout does not bring the session back", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    for (const tab of browser.tabs.slice(2)) tab.dispose();
    browser.messagesTake(() => 10 ** 9);
    browser.goOffline();
    await settle(first.logout());
    browser.server.offline = false;
    expect(await settle(second.refresh())).toBe("");
    expect(second.state).toMatchObject({ status: "signed-out", reason: "logout" });
    expect([...browser.local.items]).toEqual([
      [KEY, ".sid-1.logout"],
      [`${KEY}:ended`, "sid-1"],
    ]);
  });

  test("a logout elsewhere is one here, too, where it is not known yet who is signed in", async () => {
    const auth = await browser.signedIn();
    await passes(301_000);
    browser.server.faults = Array(4).fill("503");
    const loading = browser.tab();
    expect(await settle(loading.ready)).toMatchObject({ status: "unknown", degraded: true });
    await settle(auth.logout());
    await passes(100);
    expect(loading.state).toMatchObject({ status: "signed-out", reason: "logout", degraded: false });
  });

  test("news of a login that arrives after the news of its logout signs nobody in", async () => {
    const visitor = browser.tab();
    browser.messagesTake(() => 500);
    const auth = await browser.signedIn();
    browser.messagesTake(() => 1);
    await settle(auth.logout());
    await passes(1000);
    expect(visitor.state).toMatchObject({ status: "signed-out", user: null });
  });

  test("an answer to the user before, while somebody else signs in, changes nothing", async () => {
    const other = browser.tab();
    browser.messagesTake(() => 10 ** 9);
    (await browser.signedIn()).dispose();
    browser.messagesTake(() => 1);
    browser.takeLocksAway();
    browser.server.latency = 400;
    const loading = browser.tab();
    await passes(350);
    browser.server.latency = 2;
    await settle(other.login({ username: "rosa", password: "right" }));
    expect(loading.state.user?.username).toBe("rosa");
    await passes(5000);
    expect([loading.state.user?.username, other.state.user?.username]).toEqual(["rosa", "rosa"]);
  });

  test("a storage that is slower than the news of a login still holds the logout before it, and signs nobody out", async () => {
    const first = await browser.signedIn();
    const second = browser.tab();
    await settle(second.ready);
    await settle(first.logout());
    await settle(first.login({ username: "rosa", password: "right" }));
    await passes(10);
    const current = browser.local.getItem(KEY) as string;
    browser.local.setItem(KEY, ".sid-1.logout");
    const { refreshes } = browser.server;

    expect(await settle(second.token())).toBe(await settle(first.token()));
    expect(second.state).toMatchObject({ status: "signed-in", user: { username: "rosa" } });
    expect(browser.server.refreshes).toBe(refreshes);
    browser.local.setItem(KEY, `.${current}.logout`);
    expect(await settle(second.token())).toBe("");
    expect(second.state).toMatchObject({ status: "signed-out", reason: "logout" });
  });

  test("another user who signs in elsewhere is the user here, and a POST that waits is not sent as them", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    browser.server.latency = 200;
    browser.server.spoiled.add(await settle(first.token()));
    const posted = refusal(first.fetch(`${ORIGIN}/grades/`, { method: "POST", body: "A" }));
    await passes(150);
    await settle(second.login({ username: "rosa", password: "right" }));
    expect(await posted).toMatchObject({ code: "session_changed", status: 401 });
    expect(first.state.user?.username).toBe("rosa");
    expect(browser.server.calls.filter((call) => call.path === "/grades/").map((call) => call.by)).toEqual(["ada"]);
  });

  test("an answer to one user is not handed to the next", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    browser.server.latency = 400;
    const slow = first.fetch(`${ORIGIN}/profile/`);
    await passes(250);
    browser.server.latency = 2;
    void second.login({ username: "rosa", password: "right" });
    expect(await refusal(slow)).toMatchObject({ code: "session_changed", status: 200 });
  });

  test("a page that missed a logout or a login while it slept learns of it when it is seen", async () => {
    const auth = await browser.signedIn();
    browser.messagesTake(() => 10 ** 9);
    const other = browser.tab();
    await settle(other.ready);
    void settle(other.login({ username: "rosa", password: "right" }));
    await passes(200);
    expect(auth.state.user?.username).toBe("ada");
    browser.wake();
    await passes(500);
    expect(auth.state.user?.username).toBe("rosa");
    await settle(other.logout());
    browser.wake();
    expect(auth.state).toMatchObject({ status: "signed-out", reason: "logout" });
  });

  test("an older access token from a tab that slept does not replace a newer one", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    browser.messagesTake(() => 20_000);
    await settle(second.refresh());
    await passes(5_000);
    browser.messagesTake(() => 1);
    const newer = await settle(first.refresh());
    await passes(30_000);
    expect(await settle(first.token())).toBe(newer);
  });

  test("a token that another tab tells of late lives on for what is left of it", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    browser.messagesTake(() => 100_000);
    await settle(first.refresh());
    await passes(100_000);
    expect(second.expiresIn()).toBeGreaterThan(195);
    expect(second.expiresIn()).toBeLessThan(201);
  });

  test("events tell who brought the new token", async () => {
    const [first, second] = (await five()) as [
      Awaited<ReturnType<typeof five>>[0],
      Awaited<ReturnType<typeof five>>[0],
    ];
    const seen: string[] = [];
    first.on("refreshed", ({ by }) => seen.push(`first by ${by}`));
    second.on("refreshed", ({ by }) => seen.push(`second by ${by}`));
    await settle(first.refresh());
    await passes(100);
    expect(seen).toEqual(["first by network", "second by tab"]);
  });
});

describe("stores", () => {
  test("localStore keeps the refresh token, and a reload goes on with it", async () => {
    const auth = await browser.signedIn({ store: localStore() });
    await settle(auth.refresh());
    expect([...browser.local.items.values()]).toEqual(["sid-1.1.0.mac"]);
    auth.dispose();
    const reloaded = browser.tab({ store: localStore() });
    expect((await settle(reloaded.ready)).status).toBe("signed-in");
    expect([...browser.local.items.values()]).toEqual(["sid-1.2.0.mac"]);
    expect(browser.server.cookie).toBe("");
  });

  test("localStore: a refused token that another tab has replaced meanwhile signs nobody out", async () => {
    const auth = await browser.signedIn({ store: localStore() });
    browser.local.setItem(KEY, "sid-1.7.0.mac");
    browser.server.latency = 100;
    const asked = auth.refresh();
    await passes(20);
    browser.local.setItem(KEY, "sid-1.0.0.mac");
    expect(await settle(asked)).not.toBe("");
    expect(auth.state.status).toBe("signed-in");
  });

  test("localStore: an older generation never overwrites a newer one", async () => {
    const auth = await browser.signedIn({ store: localStore() });
    browser.server.latency = 100;
    const asked = auth.refresh();
    await passes(80);
    browser.local.setItem(KEY, "sid-1.10.0.mac");
    await settle(asked);
    expect([...browser.local.items.values()]).toEqual(["sid-1.10.0.mac"]);
  });

  test("localStore: an offline logout keeps the token until the server has heard of it", async () => {
    const auth = await browser.signedIn({ store: localStore() });
    browser.goOffline();
    await settle(auth.logout());
    expect([...browser.local.items]).toEqual([
      [KEY, ".sid-1.logout"],
      [`${KEY}:ended`, "sid-1.0.0.mac"],
    ]);
    browser.goOnline();
    await passes(500);
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
    expect([...browser.local.items]).toEqual([[KEY, ".sid-1.logout"]]);
  });

  test("localStore: a login as another ends the session before", async () => {
    const auth = await browser.signedIn({ store: localStore() });
    await settle(auth.login({ username: "rosa", password: "right" }));
    await passes(500);
    expect([...browser.server.rows.values()].map((row) => row.alive)).toEqual([false, true]);
    expect(auth.state.user?.username).toBe("rosa");
  });

  test("a store for each tab: two users side by side, and a logout of one is not the other's", async () => {
    const ada = await browser.signedIn({ store: ownStore() });
    const rosa = await browser.signedIn({ store: ownStore(), username: "rosa" });
    await settle(rosa.refresh());
    await passes(100);
    expect([ada.state.user?.username, rosa.state.user?.username]).toEqual(["ada", "rosa"]);
    await settle(rosa.logout());
    expect(await (await settle(get(ada))).json()).toMatchObject({ by: "ada" });
  });

  test("a store for each tab: a duplicated tab goes on with its twin's refresh token", async () => {
    const store = ownStore();
    const first = await browser.signedIn({ store });
    const twin = ownStore();
    for (const [name, text] of store.kept) twin.set(name, text);
    const second = browser.tab({ store: twin });
    await settle(second.ready);
    for (const tab of [second, second, first, first, first, second]) {
      await settle(tab.refresh());
      await passes(100);
    }
    expect([...twin.kept.values()]).toEqual([...store.kept.values()]);
    expect([first.state.status, second.state.status]).toEqual(["signed-in", "signed-in"]);
  });

  test("storage that is forbidden lasts as long as the page", async () => {
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new DOMException("denied", "SecurityError");
      },
      setItem: () => {
        throw new DOMException("denied", "SecurityError");
      },
    });
    const auth = await browser.signedIn({ store: localStore() });
    await settle(auth.refresh());
    browser.wake();
    await passes(100);
    expect(auth.state.status).toBe("signed-in");
  });
});

describe("fetch", () => {
  const STREAM = new ReadableStream();
  const spoil = async (auth: { token(): Promise<string> }) => browser.server.spoiled.add(await settle(auth.token()));
  const bodies: [string, () => BodyInit][] = [
    ["string", () => "grüß Gott"],
    ["JSON", () => JSON.stringify({ grade: "A" })],
    ["Blob", () => new Blob(["\u0000\u0001 bytes"], { type: "text/x" })],
    ["URLSearchParams", () => new URLSearchParams({ a: "1 & 2" })],
    ["ArrayBuffer", () => new TextEncoder().encode("bytes").buffer as ArrayBuffer],
  ];

  test.each(bodies)("a %s is replayed byte for byte", async (_, body) => {
    const auth = await browser.signedIn();
    await spoil(auth);
    const answer = await settle(auth.fetch(`${ORIGIN}/grades/`, { method: "POST", body: body() }));
    const [first, second] = browser.server.calls.filter((call) => call.path === "/grades/");
    expect(answer.status).toBe(200);
    expect(first?.body).toBeTruthy();
    expect(second?.body).toBe(first?.body);
  });

  test("a FormData with a file is replayed with all that is in it", async () => {
    const auth = await browser.signedIn();
    await spoil(auth);
    const body = new FormData();
    body.set("name", "ada");
    body.set("file", new File(["\u0000 content"], "grades.bin"));
    await settle(auth.fetch(`${ORIGIN}/grades/`, { method: "POST", body }));
    const sent = browser.server.calls.filter((call) => call.path === "/grades/").map((call) => call.body);
    const [first, second] = sent.map((text) => text.replaceAll(text.split("\r\n", 1)[0] as string, "--boundary"));
    expect(first).toContain("grades.bin");
    expect(second).toBe(first);
  });

  test("a Request with a body is replayed, with its headers", async () => {
    const auth = await browser.signedIn();
    await spoil(auth);
    const request = new Request(`${ORIGIN}/grades/`, { method: "PUT", body: "A", headers: { "X-Course": "Logic" } });
    const seen: (string | null)[] = [];
    vi.stubGlobal("fetch", (input: RequestInfo, init: RequestInit) => {
      seen.push(new Headers(init.headers).get("X-Course"));
      return browser.server.fetch(input, init);
    });
    expect((await settle(auth.fetch(request))).status).toBe(200);
    const sent = browser.server.calls.filter((call) => call.path === "/grades/");
    expect(sent.map((call) => `${call.method} ${call.body}`)).toEqual(["PUT A", "PUT A"]);
    expect(seen.filter(Boolean)).toEqual(["Logic", "Logic"]);
  });

  test("a stream is refused before anything is sent, whoever is signed in", async () => {
    const auth = browser.tab();
    const init = { method: "POST", body: STREAM, duplex: "half" } as RequestInit;
    expect(await refusal(auth.fetch(`${ORIGIN}/grades/`, init))).toMatchObject({ code: "body_not_replayable" });
    expect(browser.server.calls).toHaveLength(0);
  });

  test("the token goes to the named origins only, not over http, not to the auth endpoints, and into no address", async () => {
    const seen: [string, boolean][] = [];
    const auth = browser.tab({
      origins: [ORIGIN, "https://api.example", "http://plain.example"],
      fetch: (input, init) => {
        seen.push([String(input), new Headers(init?.headers).has("Authorization")]);
        return browser.server.fetch(input, init);
      },
    });
    await settle(auth.login({ username: "ada", password: "right" }));
    seen.length = 0;
    for (const address of [
      `${ORIGIN}/profile/`,
      "/profile/",
      "https://api.example/profile/",
      `${ORIGIN}/blog/login/`,
      `${ORIGIN}/auth/me/`,
      "https://campus.example:8443/profile/",
      "https://campus.example.evil/profile/",
      "http://campus.example/profile/",
      "http://plain.example/profile/",
      "https://elsewhere.example/profile/",
      "//elsewhere.example/profile/",
      `${ORIGIN}/auth/login/`,
      `${ORIGIN}/auth/refresh/?x=1`,
      `${ORIGIN}/x/../auth/logout/#x`,
    ]) {
      await settle(auth.fetch(address, address.includes("/auth/l") ? { method: "POST" } : {}));
    }
    expect(seen.map(([, sent]) => sent)).toEqual([...Array(5).fill(true), ...Array(9).fill(false)]);
    const token = await settle(auth.token());
    expect(browser.server.calls.some((call) => call.path.includes(token))).toBe(false);
  });

  test("somebody's own Authorization header is left alone", async () => {
    const auth = await browser.signedIn();
    const seen: (string | null)[] = [];
    vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
      seen.push(new Headers(init.headers).get("Authorization"));
      return new Response(null, { status: 401 });
    });
    await settle(auth.fetch(`${ORIGIN}/profile/`, { headers: { authorization: "Basic x" } }));
    expect(seen).toEqual(["Basic x"]);
  });

  test("a visitor's calls go out without a token, and a 401 is theirs to see", async () => {
    const auth = browser.tab();
    expect((await settle(get(auth, "/public/"))).status).toBe(200);
    expect((await settle(get(auth))).status).toBe(401);
    expect(browser.server.refreshes).toBe(1);
  });

  test("no error holds a token, a password or a body", async () => {
    const auth = await browser.signedIn();
    const token = await settle(auth.token());
    browser.goOffline();
    const error = await refusal(auth.login({ username: "ada", password: "right-or-wrong" }));
    expect(JSON.stringify([error, error.message, error.stack])).not.toMatch(new RegExp(`right-or-wrong|${token}`));
  });
});

describe("my devices", () => {
  test("what is no id leads nowhere, this device is ended by logging out", async () => {
    const auth = await browser.signedIn();
    const sessions = createSessions(auth);
    const { length } = browser.server.calls;
    for (const id of ["..", "../login", "a/b", "x?y", "", "%2e%2e"]) {
      await expect(sessions.revoke(id)).rejects.toThrow(TypeError);
    }
    expect(browser.server.calls).toHaveLength(length);
    await settle(sessions.revoke("0b51ab9e-5d1a-4f1d"));
    expect(browser.server.calls.at(-1)?.path).toBe("/auth/sessions/0b51ab9e-5d1a-4f1d/");
    await settle(sessions.changePassword({ oldPassword: "right", newPassword: "better" }));
    expect(browser.server.calls.at(-1)).toMatchObject({ path: "/auth/password/", method: "POST" });
    expect(JSON.parse(browser.server.calls.at(-1)?.body ?? "")).toEqual({
      old_password: "right",
      new_password: "better",
    });
    await settle(sessions.revoke("sid-1"));
    expect(auth.state.status).toBe("signed-out");
  });

  test("a page of HTML is no list of devices", async () => {
    const auth = await browser.signedIn();
    vi.stubGlobal("fetch", async () => new Response("<h1>Welcome</h1>"));
    expect(await refusal(createSessions(auth).list())).toMatchObject({ code: "unexpected_answer", retryable: true });
  });
});
