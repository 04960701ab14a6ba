/** The committed bundle is the source with its rooms' own names shortened, and with no name that a page knows. */

import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as source from "../src/index.js";
import { Browser, ORIGIN, settle } from "./world.js";

const BUNDLE = resolve("../src/django_ironclad/static/django_ironclad/ironclad.js");

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => browser.close());

test("it exports what the source exports, and its clients and their states have the same members", async () => {
  const built: typeof source = await import(BUNDLE);
  expect(Object.keys(built).sort()).toEqual(Object.keys(source).sort());
  const [auth, other] = [built.createAuth(), source.createAuth()];
  expect(Object.keys(auth)).toEqual(Object.keys(other));
  expect(Object.keys(auth.state)).toEqual(Object.keys(other.state));
  for (const client of [auth, other]) client.dispose();
});

test("it takes the same options, and a tab that runs the source understands its messages", async () => {
  const built: typeof source = await import(BUNDLE);
  const auth = built.createAuth({ baseURL: "/auth/", store: built.localStore(), origins: [ORIGIN], refreshBefore: 60 });
  const other = browser.tab({ store: source.localStore() });
  await settle(auth.login({ username: "ada", password: "right" }));
  expect(await settle(other.token())).toBe(await settle(auth.token()));
  expect((await settle(other.fetch("/profile/"))).status).toBe(200);
  expect([...browser.local.items.keys()]).toEqual([`ironclad:1:${ORIGIN}/auth/`]);
  auth.dispose();
});
