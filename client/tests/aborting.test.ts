/** An AbortSignal ends every wait at once, by its own reason: that for a refresh, for a lock, for the person. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Auth, Call } from "../src/index.js";
import { Browser, ORIGIN, passes, refusal, settle } from "./world.js";

let browser: Browser;
let auth: Auth;
beforeEach(async () => {
  browser = new Browser();
  auth = await browser.signedIn();
  browser.server.calls.length = 0;
});
afterEach(() => browser.close());

const reason = new Error("The person has turned the page.");
const get = (signal: AbortSignal) => auth.fetch(`${ORIGIN}/profile/`, { signal });

/** The promise is rejected by the reason as soon as it is aborted, whatever else is under way. */
async function endsAtOnce(begin: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const aborting = new AbortController();
  const ended = vi.fn();
  begin(aborting.signal).then(ended, ended);
  await passes(150);
  expect(ended).not.toHaveBeenCalled();
  aborting.abort(reason);
  await passes(0);
  expect(ended).toHaveBeenCalledWith(reason);
}

describe.each([
  ["fetch", (signal: AbortSignal) => get(signal)],
  ["fetch of a Request", (signal: AbortSignal) => auth.fetch(new Request(`${ORIGIN}/profile/`, { signal }))],
  ["token", (signal: AbortSignal) => auth.token({ signal })],
])("%s", (_, begin) => {
  test("ends while the token is refreshed; the refresh goes on, and is for all", async () => {
    await passes(301_000);
    browser.server.latency = 2_000;
    await endsAtOnce(begin);
    await passes(5_000);
    expect(browser.server.calls.map(({ path }) => path)).toEqual(["/auth/refresh/"]);
    expect(auth.expiresIn()).toBeGreaterThan(200);
  });

  test("ends while another page holds the lock", async () => {
    await passes(301_000);
    browser.locks.stuck = true;
    await endsAtOnce(begin);
  });

  test("ends while a refresh is tried again", async () => {
    await passes(301_000);
    browser.server.faults = Array(4).fill("503");
    await endsAtOnce(begin);
  });

  test("ends before anything is sent when it was aborted before", async () => {
    await passes(301_000);
    expect(await refusal(begin(AbortSignal.abort(reason)))).toBe(reason);
    expect(browser.server.calls).toHaveLength(0);
  });
});

test("a call ends while the refresh after its 401 is under way, and is not sent again", async () => {
  browser.server.spoiled.add(await settle(auth.token()));
  browser.server.latency = 200;
  const aborting = new AbortController();
  const ended = refusal(get(aborting.signal));
  await passes(300);
  aborting.abort(reason);
  expect(await ended).toBe(reason);
  await passes(5_000);
  expect(browser.server.count("/profile/")).toBe(1);
  expect(browser.server.refreshes).toBe(1);
});

test("a call ends while the person is asked, and other calls wait on", async () => {
  browser.server.lifetime = 3600;
  await settle(auth.refresh());
  await passes(400_000);
  let confirm = () => {};
  auth.on("step-up", ({ waitUntil }) =>
    waitUntil(
      new Promise<void>((resolve) => {
        confirm = resolve;
      }).then(() => auth.reauthenticate({ password: "right" })),
    ),
  );
  const call = (signal?: AbortSignal) => auth.fetch(`${ORIGIN}/sensitive/`, signal ? { signal } : {});
  const other = call();
  await endsAtOnce(call);
  confirm();
  expect((await settle(other)).status).toBe(200);
});

test("a signal without a reason, as in React Native, ends in an AbortError", async () => {
  await passes(301_000);
  const listeners: (() => void)[] = [];
  const signal: NonNullable<Call["signal"]> = {
    aborted: false,
    addEventListener: (_, listener) => void listeners.push(listener),
    removeEventListener: () => {},
  };
  const ended = refusal(auth.token({ signal }));
  await passes(5);
  for (const listener of listeners) listener();
  expect((await ended).name).toBe("AbortError");
});

test("an answered call leaves no listener on its signal", async () => {
  const aborting = new AbortController();
  const { signal } = aborting;
  const [added, removed] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
  await settle(
    auth.carry({ url: `${ORIGIN}/profile/`, method: "GET", headers: new Headers(), signal }, () =>
      browser.server.fetch("/public/"),
    ),
  );
  expect(added).toHaveBeenCalled();
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
});
