import fc from "fast-check";
import { expect, test } from "vitest";
import { type Auth, localStore, memoryStore } from "../src/index.js";
import { Browser, type Fault, ORIGIN, passes } from "./world.js";

const TABS = 3;
const tab = fc.nat({ max: TABS - 1 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("call" as const), tab, spoiled: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("refresh" as const), tab }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fault" as const),
      fault: fc.constantFrom<Fault>("drop", "lost", "hang", "503", "html"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("login" as const), tab, username: fc.constantFrom("ada", "rosa") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("logout" as const), tab }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("refuse" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stick" as const), stuck: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("slow messages" as const), delay: fc.nat({ max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reload" as const), tab }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wake" as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), time: fc.nat({ max: 6000 }) }) },
);
const world = fc.record({ locks: fc.boolean(), cookie: fc.boolean(), latency: fc.integer({ min: 2, max: 3000 }) });

/** A tab that notes which sessions ended here, how many refreshes it has under way, and as whom it sent each call. */
class Watched {
  readonly ended = new Set<string>();
  refreshing = 0;
  most = 0;
  readonly sentAs = new Map<string, Set<string>>();
  readonly auth: Auth;

  constructor(browser: Browser, cookie: boolean) {
    this.auth = browser.tab({
      store: cookie ? memoryStore() : localStore(),
      fetch: async (input, init) => {
        const refresh = String(input).endsWith("/refresh/");
        if (refresh) this.most = Math.max(this.most, ++this.refreshing);
        const token = new Headers(init?.headers).get("Authorization");
        if (token) {
          const { sid } = JSON.parse(atob(token.split(".")[1] as string));
          this.note(sid);
          const call = this.sentAs.get(String(input)) ?? new Set();
          this.sentAs.set(String(input), call.add(sid));
        }
        try {
          return await browser.server.fetch(input, init);
        } finally {
          if (refresh) this.refreshing--;
        }
      },
    });
  }

  /** A session that is used here must not have ended here. */
  note(sid: string): void {
    expect(this.ended).not.toContain(sid);
  }
}

test("no interleaving refreshes twice at once in a tab, revives a session, or repeats a call as somebody else", async () => {
  await fc.assert(
    fc.asyncProperty(world, fc.array(step, { minLength: 5, maxLength: 40 }), async (given, steps) => {
      const browser = new Browser();
      try {
        if (!given.locks) browser.takeLocksAway();
        browser.server.latency = given.latency;
        const tabs = Array.from({ length: TABS }, () => new Watched(browser, given.cookie));
        const watch = () => {
          for (const { auth, ended } of tabs) {
            if (auth.state.claims) expect(ended).not.toContain(auth.state.claims.sid);
            expect(auth.state.status === "signed-in").toBe(auth.state.user !== null);
          }
        };
        let calls = 0;
        const ignore = () => {};
        tabs[0]?.auth.login({ username: "ada", password: "right" }).catch(ignore);
        await passes(given.latency * 2 + 200);
        for (const now of steps) {
          const at = "tab" in now ? (tabs[now.tab] as Watched) : undefined;
          if (now.do === "call") {
            const sid = at?.auth.state.claims?.sid;
            if (now.spoiled && sid) at?.auth.token().then((token) => browser.server.spoiled.add(token), ignore);
            at?.auth.fetch(`${ORIGIN}/call/${++calls}/`, { method: "POST", body: "x" }).catch(ignore);
          } else if (now.do === "refresh") at?.auth.refresh().catch(ignore);
          else if (now.do === "fault") browser.server.faults.push(now.fault);
          else if (now.do === "login") at?.auth.login({ username: now.username, password: "right" }).catch(ignore);
          else if (now.do === "logout") {
            const sid = at?.auth.state.claims?.sid;
            at?.auth.logout().catch(ignore);
            expect(at?.auth.state.status).toBe("signed-out");
            if (sid) at?.ended.add(sid);
          } else if (now.do === "refuse") for (const row of browser.server.rows.values()) row.alive = false;
          else if (now.do === "stick") browser.locks.stuck = now.stuck;
          else if (now.do === "slow messages") browser.messagesTake(() => now.delay);
          else if (now.do === "reload") {
            at?.auth.dispose();
            tabs[now.tab] = new Watched(browser, given.cookie);
          } else if (now.do === "wake") browser.wake();
          else await passes(now.time);
          await passes(0);
          watch();
        }
        browser.locks.stuck = false;
        browser.server.faults = [];
        await passes(120_000);
        watch();
        for (const { most, sentAs, auth } of tabs) {
          expect(most).toBeLessThanOrEqual(1);
          for (const users of sentAs.values()) expect(users.size).toBe(1);
          expect(auth.state.refreshing).toBe(false);
        }
      } finally {
        browser.close();
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 150) },
  );
}, 120_000);
