/** A page that is left, and one that comes back from the browser's cache as it was. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Auth, localStore, memoryStore } from "../src/index.js";
import { openTabs } from "../src/tabs.js";
import { Browser, ORIGIN, passes, refusal, settle } from "./world.js";

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => browser.close());

const credentials = { username: "ada", password: "right" };
const calls = (path: string) => browser.server.count(`/auth/${path}/`);

describe("where the promise of a lock is rejected when the page is left, as in WebKit", () => {
  const acts: [string, (auth: Auth) => Promise<unknown>][] = [
    ["login", (auth) => auth.login(credentials)],
    ["refresh", (auth) => auth.refresh()],
    ["logout", (auth) => auth.logout()],
    ["reauthenticate", (auth) => auth.reauthenticate({ password: "right" })],
    ["password", (auth) => auth.changePassword({ old_password: "right", new_password: "better" })],
  ];

  test.each(acts)("%s is sent once, whenever that happens, and its answer counts", async (path, act) => {
    for (const moment of [0, 5, 15]) {
      const auth = await browser.signedIn();
      browser.server.calls.length = 0;
      const done = act(auth);
      await passes(moment);
      browser.locks.leavePage();
      await settle(done);
      await passes(10_000);
      expect(calls(path)).toBe(1);
      expect(auth.state.status).toBe(path === "logout" ? "signed-out" : "signed-in");
      auth.dispose();
    }
  });
});

test("what was begun without the lock is not begun again when the lock comes after all", async () => {
  let grant: (() => unknown) | undefined;
  browser.locks.request = (_, __, work) =>
    new Promise((resolve) => {
      grant = () => resolve(work());
    });
  let times = 0;
  const done = openTabs("late", () => {}).exclusively(
    async () => ++times,
    () => false,
  );
  await passes(6_000);
  grant?.();
  expect(await settle(done)).toBe(1);
  await passes(1_000);
  expect(times).toBe(1);
});

describe("a page that comes back from the browser's cache", () => {
  /** As the browser does with it: what others say in the meantime is not heard. */
  const leave = () => browser.messagesTake(() => 10 ** 9);
  const comeBack = () => {
    browser.messagesTake(() => 1);
    browser.comeBack();
  };

  test("is out at once when somebody has logged out meanwhile, and calls nothing as the user before", async () => {
    const page = await browser.signedIn();
    leave();
    const other = browser.tab();
    await settle(other.ready);
    await settle(other.logout());
    browser.server.calls.length = 0;
    comeBack();
    expect(page.state).toMatchObject({ status: "signed-out", reason: "logout", user: null });
    await settle(page.fetch(`${ORIGIN}/profile/`));
    expect(browser.server.calls.map(({ path, by }) => [path, by])).toEqual([["/profile/", ""]]);
  });

  test("is somebody else's when they have logged in meanwhile", async () => {
    const page = await browser.signedIn();
    leave();
    const other = browser.tab();
    await settle(other.ready);
    await settle(other.login({ username: "rosa", password: "right" }));
    comeBack();
    const posted = refusal(page.fetch(`${ORIGIN}/grades/`, { method: "POST", body: "A" }));
    expect(await posted).toMatchObject({ code: "session_changed" });
    expect(page.state.user?.username).toBe("rosa");
    expect(browser.server.count("/grades/")).toBe(0);
  });

  test("asks the server before its first call: no storage may have said what happened", async () => {
    browser.local.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    const page = await browser.signedIn();
    leave();
    const other = browser.tab();
    await settle(other.ready);
    await settle(other.logout());
    browser.server.calls.length = 0;
    comeBack();
    expect((await settle(page.fetch(`${ORIGIN}/profile/`))).status).toBe(401);
    expect(browser.server.calls.map(({ path, by }) => [path, by])).toEqual([
      ["/auth/refresh/", ""],
      ["/profile/", ""],
    ]);
    expect(page.state.status).toBe("signed-out");
  });

  test("goes on with one refresh when nothing has happened, also while offline", async () => {
    const page = await browser.signedIn();
    browser.server.calls.length = 0;
    browser.comeBack();
    expect((await settle(page.fetch(`${ORIGIN}/profile/`))).status).toBe(200);
    expect(calls("refresh")).toBe(1);
    browser.goOffline();
    browser.comeBack();
    expect(await settle(page.token())).not.toBe("");
    expect(page.state.status).toBe("signed-in");
  });

  test("hidden, it looks when it is seen", async () => {
    const page = await browser.signedIn();
    browser.page.visibilityState = "hidden";
    browser.comeBack();
    await passes(1_000);
    expect(calls("refresh")).toBe(0);
    browser.page.visibilityState = "visible";
    browser.wake();
    await passes(1_000);
    expect(calls("refresh")).toBe(1);
    expect(page.state.status).toBe("signed-in");
  });

  test.each([memoryStore, localStore])("signs nobody in by a login from before it was left", async (store) => {
    const page = browser.tab({ store: store() });
    await settle(page.ready);
    browser.takeLocksAway();
    browser.server.latency = 200;
    const login = page.login(credentials);
    login.catch(() => {});
    await passes(50);
    // The server has done it; its answer is long under way.
    browser.server.latency = 8_000;
    await passes(100);
    leave();
    browser.server.latency = 2;
    const other = browser.tab({ store: store() });
    await settle(other.login({ username: "rosa", password: "right" }));
    await settle(other.logout());
    comeBack();
    expect(await refusal(login)).toMatchObject({ code: "signed_out" });
    await passes(10_000);
    expect(page.state).toMatchObject({ status: "signed-out", user: null });
    expect([...browser.server.rows.values()].map(({ alive }) => alive)).toEqual([false, false]);
  });

  test("lets no refresh from before it was left undo a logout", async () => {
    const page = await browser.signedIn({ store: localStore() });
    browser.server.latency = 400;
    const asked = page.refresh();
    await passes(300);
    leave();
    browser.server.latency = 2;
    browser.local.setItem(`ironclad:1:${ORIGIN}/auth/`, ".sid-1.logout");
    expect(await settle(asked)).toBe("");
    expect(page.state).toMatchObject({ status: "signed-out", reason: "logout" });
    expect(browser.local.getItem(`ironclad:1:${ORIGIN}/auth/`)).toBe(".sid-1.logout");
  });
});
