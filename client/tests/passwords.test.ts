/** A password that is changed or confirmed: new tokens of the same session, and the old refresh token is worth nothing. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Auth, localStore, memoryStore, type Store } from "../src/index.js";
import { Browser, ORIGIN, ownStore, passes, refusal, settle } from "./world.js";

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => browser.close());

const PASSWORDS = { old_password: "right", new_password: "better" };
const statuses = (tabs: Auth[]) => tabs.map(({ state }) => state.status);

async function five(store: () => Store): Promise<Auth[]> {
  const tabs = [await browser.signedIn({ store: store() })];
  while (tabs.length < 5) {
    const tab = browser.tab({ store: store() });
    await settle(tab.ready);
    tabs.push(tab);
  }
  return tabs;
}

describe.each([memoryStore, localStore])("%o", (store) => {
  test("the new tokens are kept and told, with the cookie where there is one", async () => {
    const sent: RequestInit[] = [];
    const auth = await browser.signedIn({
      store: store(),
      fetch: (input, init = {}) => {
        if (String(input).endsWith("/password/")) sent.push(init);
        return browser.server.fetch(input, init);
      },
    });
    const other = browser.tab({ store: store() });
    await settle(other.ready);
    const before = await settle(auth.token());
    await settle(auth.changePassword(PASSWORDS));
    await passes(10);
    expect(await settle(auth.token())).not.toBe(before);
    expect(await settle(other.token())).toBe(await settle(auth.token()));
    expect(sent.map(({ credentials }) => credentials)).toEqual([store === memoryStore ? "include" : "same-origin"]);
    for (const tab of [other, auth, other]) await settle(tab.refresh());
    expect(statuses([auth, other])).toEqual(["signed-in", "signed-in"]);
  });

  test.each([true, false])(
    "one of five tabs changes it while four refresh: all stay signed in (locks: %s)",
    async (locks) => {
      if (!locks) browser.takeLocksAway();
      const tabs = await five(store);
      const old = browser.server.cookie || (browser.local.getItem(`ironclad:1:${ORIGIN}/auth/`) as string);
      browser.server.latency = 200;
      await settle(
        Promise.all(
          tabs.map((tab, index) => (index === 2 ? tab.changePassword(PASSWORDS) : tab.refresh().catch(() => ""))),
        ),
      );
      await passes(10_000);
      browser.wake();
      for (let round = 0; round < 3; round++) {
        await passes(301_000);
        for (const tab of tabs) expect(await settle(tab.token())).not.toBe("");
      }
      expect(statuses(tabs)).toEqual(Array(5).fill("signed-in"));
      // A thief's copy of the old refresh token.
      const thief = await settle(
        browser.server.fetch("/auth/refresh/", {
          method: "POST",
          body: JSON.stringify({ refresh_token: old }),
        }),
      );
      expect(await thief.json()).toMatchObject({ error: "invalid_grant" });
    },
  );

  test("a refresh with the old token waits for the new one, and nobody is signed out", async () => {
    browser.takeLocksAway();
    const [auth, other] = (await five(store)) as [Auth, Auth];
    browser.messagesTake(() => 7_000);
    await settle(auth.changePassword(PASSWORDS));
    const row = browser.server.rows.get("sid-1") as { seed: number };
    // What was on the way with the old cookie.
    if (store === memoryStore) row.seed++;
    else browser.local.setItem(`ironclad:1:${ORIGIN}/auth/`, "sid-1.0.0.mac");
    const asked = other.refresh();
    await passes(1_000);
    expect(other.state).toMatchObject({ status: "signed-in", refreshing: true });
    if (store === memoryStore) row.seed--;
    expect(await settle(asked)).not.toBe("");
    expect(other.state).toMatchObject({ status: "signed-in", degraded: false });
  });

  test("a wrong password, and a session that is over, are AuthErrors", async () => {
    const auth = await browser.signedIn({ store: store() });
    const error = await refusal(auth.changePassword({ ...PASSWORDS, old_password: "wrong" }));
    expect(error).toMatchObject({ code: "invalid_credentials", status: 400 });
    expect(auth.state.status).toBe("signed-in");
    for (const row of browser.server.rows.values()) row.alive = false;
    expect(await refusal(auth.changePassword(PASSWORDS))).toMatchObject({ code: "signed_out" });
    expect(auth.state).toMatchObject({ status: "signed-out", reason: "invalid_grant" });
    expect(await refusal(auth.reauthenticate({ password: "right" }))).toMatchObject({ code: "signed_out" });
  });

  test("an access token that is refused is refreshed first, once", async () => {
    const auth = await browser.signedIn({ store: store() });
    browser.server.spoiled.add(await settle(auth.token()));
    await settle(auth.changePassword(PASSWORDS));
    expect(browser.server.refreshes).toBe(1);
    expect(browser.server.count("/auth/password/")).toBe(2);
    expect(auth.state.status).toBe("signed-in");
  });
});

test("a logout while it is under way wins", async () => {
  const auth = await browser.signedIn();
  const changed = refusal(auth.changePassword(PASSWORDS));
  await passes(5);
  await settle(auth.logout());
  expect((await changed).code).toBe("signed_out");
  expect(auth.state).toMatchObject({ status: "signed-out", reason: "logout" });
});

test("tabs of one session with a store each are told the new refresh token", async () => {
  const store = ownStore();
  const first = await browser.signedIn({ store });
  const twin = ownStore();
  for (const [name, text] of store.kept) twin.set(name, text);
  const second = browser.tab({ store: twin });
  await settle(second.ready);
  await settle(first.changePassword(PASSWORDS));
  await passes(100);
  expect([...twin.kept.values()]).toEqual([...store.kept.values()]);
  await settle(second.refresh());
  expect(statuses([first, second])).toEqual(["signed-in", "signed-in"]);
});

test("an answer without a refresh token keeps the one there is", async () => {
  const auth = await browser.signedIn({ store: localStore() });
  const { fetch } = browser.server;
  vi.stubGlobal("fetch", async (input: string, init: RequestInit) => {
    const { refresh_token: _, ...answer } = await (await fetch(input, init)).json();
    return Response.json(answer);
  });
  await settle(auth.refresh());
  expect([...browser.local.items.values()]).toEqual(["sid-1.0.0.mac"]);
});
