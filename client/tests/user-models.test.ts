// Who somebody is, whatever the server's user model is: `user-models.json` is what the server said of each
// (tests/user_models/test_user_models.py writes it and compares).

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAuth, localStore } from "../src/index.js";
import models from "./user-models.json" with { type: "json" };
import { Area } from "./world.js";

const ORIGIN = "https://campus.example";

beforeEach(() => void vi.stubGlobal("localStorage", new Area()));
afterEach(() => vi.unstubAllGlobals());

test.each(Object.entries(models))("a user whose model is of the kind %s is who the server says", async (_, said) => {
  const server = async (input: RequestInfo | URL) =>
    Response.json(
      new URL(input instanceof Request ? input.url : input).pathname === "/auth/me/" ? said.me : said.login,
    );
  const client = () => createAuth({ baseURL: `${ORIGIN}/auth/`, store: localStore(), fetch: server });
  const user = { id: said.claims.sub, username: said.claims.username };

  const auth = client();
  await auth.login({ username: "whatever was typed", password: "open-sesame-42" });
  expect(auth.state).toMatchObject({ status: "signed-in", user, claims: said.claims });
  await auth.refresh();
  expect(auth.state).toMatchObject({ status: "signed-in", user });
  expect(await auth.request("GET", "me/")).toEqual(said.me);

  // After a reload the page knows it from the store and a refresh.
  const again = client();
  await again.ready;
  expect(await again.token()).toBe(said.login.access_token);
  expect(again.state).toMatchObject({ status: "signed-in", user });
  auth.dispose();
  again.dispose();
});

test("a key that is larger than a number of JavaScript's is exact in the state, which has it as text", () => {
  const { claims, me } = models.big_integer;
  expect(String(me.id)).not.toBe(claims.sub);
  expect(me.id).toBe(Number(claims.sub));
});
