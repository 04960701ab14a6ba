/** What a page's surroundings may lack, refuse or take away: each beside what people do. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Auth, localStore, memoryStore, type Store, sessionStore } from "../src/index.js";
import { Browser, ORIGIN, ownStore, passes, settle } from "./world.js";

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => browser.close());

const KEY = `ironclad:1:${ORIGIN}/auth/`;
const denied = () => {
  throw new DOMException("denied", "SecurityError");
};
/** A global that throws as soon as its name is said. */
const forbid = (name: string) => {
  vi.stubGlobal(name, undefined);
  Object.defineProperty(globalThis, name, { configurable: true, get: denied });
};
const full = (area: Browser["local"]) => {
  area.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
};

const lock = (request: () => Promise<unknown>) => {
  browser.locks.request = request;
};

interface Surroundings {
  apply(): void;
  /** Signed in after a reload: with a cookie and with what is in localStorage, where that can be. */
  reload?: "both" | "cookie";
  /** Whether a second tab hears of this one; else it asks the server. */
  hears?: boolean;
  /** Whether a logout that the server has not heard of is remembered by the next page. */
  remembers?: boolean;
}

const SURROUNDINGS: Record<string, Surroundings> = {
  everything: { apply: () => {}, hears: true, remembers: true },
  "no BroadcastChannel": { apply: () => vi.stubGlobal("BroadcastChannel", undefined), remembers: true },
  "a BroadcastChannel that is forbidden": { apply: () => forbid("BroadcastChannel"), remembers: true },
  "a BroadcastChannel that cannot be opened": {
    apply: () => vi.stubGlobal("BroadcastChannel", class { constructor() { denied(); } }), // biome-ignore format: one line
    remembers: true,
  },
  "a BroadcastChannel that says nothing": {
    apply: () => vi.stubGlobal("BroadcastChannel", class { postMessage = denied; close = denied }), // biome-ignore format: one line
    remembers: true,
  },
  "no locks": { apply: () => browser.takeLocksAway(), hears: true, remembers: true },
  "locks that are forbidden": {
    apply: () => Object.defineProperty(browser.navigator, "locks", { get: denied }),
    hears: true,
    remembers: true,
  },
  "locks that throw": { apply: () => lock(denied), hears: true, remembers: true },
  "locks that refuse": {
    apply: () => lock(() => Promise.reject(new DOMException("x", "SecurityError"))),
    hears: true,
    remembers: true,
  },
  "locks that never come": {
    apply: () => lock(() => new Promise(() => {})),
    hears: true,
    remembers: true,
  },
  "no navigator": { apply: () => vi.stubGlobal("navigator", undefined), hears: true, remembers: true },
  "a navigator that is forbidden": { apply: () => forbid("navigator"), hears: true, remembers: true },
  "no localStorage": { apply: () => vi.stubGlobal("localStorage", undefined), reload: "cookie", hears: true },
  "a localStorage that is null": { apply: () => vi.stubGlobal("localStorage", null), reload: "cookie", hears: true },
  "a localStorage that is forbidden": { apply: () => forbid("localStorage"), reload: "cookie", hears: true },
  "a localStorage that throws": {
    apply: () => vi.stubGlobal("localStorage", { getItem: denied, setItem: denied, removeItem: denied }),
    reload: "cookie",
    hears: true,
  },
  "a localStorage that is full": { apply: () => full(browser.local), reload: "cookie", hears: true },
  "neither storage nor messages": {
    apply() {
      forbid("localStorage");
      forbid("sessionStorage");
      forbid("BroadcastChannel");
    },
    reload: "cookie",
  },
  "no addEventListener": { apply: () => vi.stubGlobal("addEventListener", undefined), hears: true, remembers: true },
  "an addEventListener that throws": {
    apply: () => vi.stubGlobal("addEventListener", denied),
    hears: true,
    remembers: true,
  },
  "a document without events": {
    apply: () => vi.stubGlobal("document", { baseURI: `${ORIGIN}/page/` }),
    hears: true,
    remembers: true,
  },
  "no AbortController": { apply: () => vi.stubGlobal("AbortController", undefined), hears: true, remembers: true },
  "no TextDecoder": {
    apply: () => vi.stubGlobal("TextDecoder", undefined),
    hears: true,
    remembers: true,
  },
};

const stores: Record<string, () => Store> = { cookie: memoryStore, body: localStore };
const by = async (auth: Auth): Promise<string> =>
  (await (await settle(auth.fetch(`${ORIGIN}/profile/`))).json()).by ?? "nobody";

describe.each(Object.entries(SURROUNDINGS))("with %s", (_, { apply, reload = "both", hears, remembers }) => {
  beforeEach(apply);

  describe.each(["cookie", "body"])("a session by %s", (transport) => {
    const store = () => (stores[transport] as () => Store)();
    const lives = reload === "both" || transport === reload;

    test("a visitor costs one question at most, and is nobody", async () => {
      const auth = browser.tab({ store: store() });
      expect((await settle(auth.ready)).status).toBe("signed-out");
      expect((await settle(auth.fetch(`${ORIGIN}/public/`))).status).toBe(200);
      expect(browser.server.refreshes).toBe(transport === "cookie" ? 1 : 0);
      expect(auth.state).toMatchObject({ degraded: false, reason: "" });
    });

    test("signs in, refreshes, confirms a password and changes it, and calls with its token", async () => {
      const auth = await browser.signedIn({ store: store() });
      browser.server.spoiled.add(await settle(auth.token()));
      expect(await by(auth)).toBe("ada");
      await settle(auth.refresh());
      await settle(auth.reauthenticate({ password: "right" }));
      await settle(auth.changePassword({ old_password: "right", new_password: "better" }));
      await settle(auth.refresh());
      browser.wake();
      await passes(500);
      expect(await by(auth)).toBe("ada");
      expect(auth.state).toMatchObject({ status: "signed-in", degraded: false });
    });

    test("a reload finds the session where it can be found, and no call goes out without its token before", async () => {
      (await browser.signedIn({ store: store() })).dispose();
      const auth = browser.tab({ store: store() });
      expect(await by(auth)).toBe(lives ? "ada" : "nobody");
      expect(browser.server.refreshes).toBe(lives ? 1 : 0);
    });

    test("a second tab is signed in, too, and both go on, whoever refreshes", async () => {
      const first = await browser.signedIn({ store: store() });
      const second = browser.tab({ store: store() });
      await settle(second.ready);
      expect(await by(second)).toBe(lives ? "ada" : "nobody");
      expect(browser.server.refreshes).toBe(hears || !lives ? 0 : 1);
      for (const tab of [first, second, second, first]) {
        if (tab.state.status === "signed-in") await settle(tab.refresh());
        await passes(100);
      }
      expect([first.state.status, await by(first)]).toEqual(["signed-in", "ada"]);
      // Where no storage has the refresh token, the first one's message did.
      expect(second.state.status).toBe(lives || hears ? "signed-in" : "signed-out");
    });

    test("a logout while offline is one at once, and is told when the network is back", async () => {
      const auth = await browser.signedIn({ store: store() });
      browser.goOffline();
      expect(await settle(auth.logout())).toBe(false);
      expect(await settle(auth.token())).toBe("");
      expect(auth.state).toMatchObject({ status: "signed-out", reason: "logout" });
      if (remembers) {
        const reloaded = browser.tab({ store: store() });
        expect(await settle(reloaded.ready)).toMatchObject({ status: "signed-out", reason: "logout" });
      }
      browser.goOnline();
      browser.wake();
      await passes(10_000);
      // Without any event of the browser, it is with the next logout.
      await settle(auth.logout());
      expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
      expect(auth.state.status).toBe("signed-out");
      expect(browser.server.refreshes).toBe(0);
    });
  });
});

describe("storage that is emptied", () => {
  test("as Safari does after seven days: the cookie is asked once, and the session goes on", async () => {
    const before = await browser.signedIn();
    before.dispose();
    browser.local.items.clear();
    browser.session.items.clear();
    const auth = browser.tab();
    expect(await settle(auth.ready)).toMatchObject({ status: "signed-in", user: { username: "ada" } });
    expect(browser.server.refreshes).toBe(1);
    expect([...browser.local.items]).toEqual([[KEY, "sid-1"]]);
  });

  test("a call that does not wait for that goes out with its token", async () => {
    (await browser.signedIn()).dispose();
    browser.local.items.clear();
    expect(await by(browser.tab())).toBe("ada");
  });

  test.each([memoryStore, localStore])(
    "under an open page: it is signed in still, and knows the newest token",
    async (store) => {
      const auth = await browser.signedIn({ store: store() });
      await settle(auth.refresh());
      browser.local.items.clear();
      browser.wake();
      await settle(auth.refresh());
      expect(await by(auth)).toBe("ada");
      auth.dispose();
      expect(await by(browser.tab({ store: store() }))).toBe("ada");
    },
  );

  test.each([memoryStore, localStore])(
    "nor does a new page, which finds nothing there, sign an open one out",
    async (store) => {
      vi.stubGlobal("BroadcastChannel", undefined);
      const auth = await browser.signedIn({ store: store() });
      browser.local.items.clear();
      const other = browser.tab({ store: store() });
      await settle(other.login({ username: "ada", password: "wrong" }).catch(() => {}));
      expect(other.state.status).toBe("signed-out");
      browser.wake();
      expect(await by(auth)).toBe("ada");
      await settle(auth.refresh());
      expect(auth.state.status).toBe("signed-in");
    },
  );

  test("a tab of its own has its refresh token still", async () => {
    const auth = await browser.signedIn({ store: sessionStore() });
    browser.session.items.clear();
    await settle(auth.refresh());
    expect(auth.state.status).toBe("signed-in");
  });

  test.each([memoryStore, localStore])("after a logout while offline: an open page tells it still", async (store) => {
    const auth = await browser.signedIn({ store: store() });
    browser.goOffline();
    await settle(auth.logout());
    browser.local.items.clear();
    browser.goOnline();
    await passes(1000);
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
    expect(auth.state.status).toBe("signed-out");
  });

  test("whoever is not known yet, and whom the server cannot tell, is neither signed out nor called for without a token", async () => {
    (await browser.signedIn()).dispose();
    browser.local.items.clear();
    browser.goOffline();
    const auth = browser.tab();
    expect(await settle(auth.ready)).toMatchObject({ status: "unknown", degraded: true });
    const { length } = browser.server.calls;
    await expect(settle(auth.fetch(`${ORIGIN}/profile/`))).rejects.toMatchObject({ code: "unreachable" });
    expect(browser.server.calls.slice(length).map(({ path }) => path)).toEqual(["/auth/refresh/"]);
    browser.goOnline();
    await passes(1000);
    expect(await by(auth)).toBe("ada");
  });

  test("who logs in before the server was asked is not asked for", async () => {
    const auth = browser.tab();
    await settle(auth.login({ username: "ada", password: "right" }));
    await passes(1000);
    expect(browser.server.refreshes).toBe(0);
    expect(auth.state.status).toBe("signed-in");
  });
});

test("a full storage keeps no old refresh token: after a reload it would be taken for a thief's", async () => {
  const auth = await browser.signedIn({ store: localStore() });
  full(browser.local);
  await settle(auth.refresh());
  await settle(auth.refresh());
  expect(browser.local.items.size).toBe(0);
  expect(await by(auth)).toBe("ada");
  browser.local.setItem = (name, text) => void browser.local.items.set(name, text);
  browser.wake();
  expect([...browser.local.items]).toEqual([[KEY, "sid-1.2.0.mac"]]);
});

test("with full storage a second tab is told the refresh token", async () => {
  full(browser.local);
  const first = await browser.signedIn({ store: localStore() });
  const second = browser.tab({ store: localStore() });
  await settle(first.refresh());
  await passes(100);
  expect(second.state.status).toBe("signed-in");
  await passes(301_000);
  expect(await by(second)).toBe("ada");
  expect(await by(first)).toBe("ada");
});

test("without messages a call looks first who is signed in: another tab's logout or login is this one's", async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const first = await browser.signedIn();
  const second = browser.tab();
  await settle(second.ready);
  await settle(first.logout());
  expect(await by(second)).toBe("nobody");
  expect(second.state).toMatchObject({ status: "signed-out", reason: "logout" });
  await settle(first.login({ username: "ada", password: "right" }));
  browser.wake();
  await settle(second.refresh());
  await settle(first.login({ username: "rosa", password: "right" }));
  browser.server.calls.length = 0;
  const posted = second.fetch(`${ORIGIN}/grades/`, { method: "POST", body: "A" });
  await expect(settle(posted)).rejects.toMatchObject({ code: "session_changed" });
  expect(browser.server.count("/grades/")).toBe(0);
  expect(second.state.user?.username).toBe("rosa");
});

describe("without a document", () => {
  beforeEach(() => vi.stubGlobal("document", undefined));
  const options = { baseURL: `${ORIGIN}/auth/` };

  test("as in React Native, a store of one's own that holds a token is signed in", async () => {
    const store = ownStore();
    store.set(KEY, "sid-1.0.0.mac");
    browser.server.rows.set("sid-1", { user: "ada", generation: 0, alive: true });
    const auth = browser.tab({ ...options, store });
    expect(await by(auth)).toBe("ada");
    expect((await settle(auth.ready)).status).toBe("signed-in");
    expect([...store.kept.values()]).toEqual(["sid-1.1.0.mac"]);
  });

  test("an empty store of one's own says that nobody is, without a question", async () => {
    const auth = browser.tab({ ...options, store: ownStore() });
    expect((await settle(auth.ready)).status).toBe("signed-out");
    expect(browser.server.calls).toHaveLength(0);
    await settle(auth.login({ username: "ada", password: "right" }));
    expect(await by(auth)).toBe("ada");
  });

  test("a logout while offline is told with the next start", async () => {
    const store = ownStore();
    const auth = browser.tab({ ...options, store });
    await settle(auth.login({ username: "ada", password: "right" }));
    browser.goOffline();
    await settle(auth.logout());
    browser.goOnline();
    auth.dispose();
    const next = browser.tab({ ...options, store });
    expect(next.state).toMatchObject({ status: "signed-out", reason: "logout" });
    await passes(1000);
    expect(browser.server.rows.get("sid-1")?.alive).toBe(false);
  });

  test("a store of one's own that throws lasts as long as the program", async () => {
    const store = { ...ownStore(), get: denied, set: denied };
    const auth = browser.tab({ ...options, store });
    await settle(auth.login({ username: "ada", password: "right" }));
    await settle(auth.refresh());
    expect(await by(auth)).toBe("ada");
  });

  test.each([memoryStore, localStore, sessionStore])("a server knows nothing, and asks nothing (%o)", async (store) => {
    for (const name of ["localStorage", "sessionStorage", "navigator"]) vi.stubGlobal(name, undefined);
    const auth = browser.tab({ ...options, store: store() });
    expect((await settle(auth.ready)).status).toBe("unknown");
    expect(browser.server.calls).toHaveLength(0);
  });

  test("a worker is told by its page, and asks the cookie where there is none", async () => {
    vi.stubGlobal("document", browser.page);
    const page = await browser.signedIn();
    vi.stubGlobal("document", undefined);
    vi.stubGlobal("localStorage", undefined);
    vi.stubGlobal("WorkerGlobalScope", class {});
    vi.stubGlobal("location", new URL(`blob:${ORIGIN}/0b51`));
    vi.stubGlobal("origin", ORIGIN);
    const worker = browser.tab();
    expect(await by(worker)).toBe("ada");
    expect(browser.server.refreshes).toBe(0);
    // A worker's own refresh is the page's as well.
    await settle(worker.refresh());
    await passes(100);
    expect(await settle(page.token())).toBe(await settle(worker.token()));
    page.dispose();
    worker.dispose();
    expect(await by(browser.tab())).toBe("ada");
    expect(browser.server.refreshes).toBe(2);
  });
});

test("a frame of srcdoc, whose address is nothing to be relative to, uses its page's", async () => {
  vi.stubGlobal("location", new URL("about:srcdoc"));
  const auth = await browser.signedIn();
  expect(await by(auth)).toBe("ada");
});

test("without streams, as in React Native, a call goes out with its body", async () => {
  const answer = { status: 200, headers: new Headers() };
  let sends: typeof fetch = browser.server.fetch;
  const auth = await browser.signedIn({ fetch: (input, init) => sends(input, init) });
  sends = async () => answer as Response;
  vi.stubGlobal("ReadableStream", undefined);
  expect(await settle(auth.fetch(`${ORIGIN}/grades/`, { method: "POST", body: "A" }))).toBe(answer);
});

test("a fetch that knows no signals is given up all the same", async () => {
  vi.stubGlobal("AbortController", undefined);
  const auth = await browser.signedIn();
  browser.server.faults = ["hang"];
  const asked = auth.refresh();
  await passes(9_500);
  expect(browser.server.refreshes).toBe(2);
  expect(await settle(asked)).not.toBe("");
});

test.each(["the page's own", "one that is given"])(
  "%s fetch is no method of anything, as browsers want it",
  async (whose) => {
    function sends(this: unknown, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
      if (this !== undefined && this !== globalThis) throw new TypeError("Illegal invocation");
      return browser.server.fetch(input, init);
    }
    vi.stubGlobal("fetch", sends);
    const auth = await browser.signedIn(whose === "one that is given" ? { fetch: sends } : {});
    await settle(auth.refresh());
    expect(await by(auth)).toBe("ada");
    expect((await settle(auth.fetch("https://elsewhere.example/"))).status).toBe(401);
    expect(await settle(auth.logout())).toBe(true);
  },
);
