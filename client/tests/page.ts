/** An example in a page of jsdom, in front of the server of `world.ts`. */

import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Server } from "./world.js";

let server: Server;

/** Shows the example in this element; gives back the function that takes it away. */
export type Mount = (example: string, element: HTMLElement) => Promise<() => void>;

/** What each of the examples has to do. */
export const testExample = (name: string, mount: Mount) =>
  describe(`the example for ${name}`, () => {
    let unmount = () => {};
    const text = () => document.body.textContent;
    const shows = (expected: string) => vi.waitFor(() => expect(text()).toContain(expected), 5_000);
    const press = (label: string) =>
      [...document.querySelectorAll("button")].find(({ textContent }) => textContent === label)?.click();

    /** As after a reload: every module anew, and one client more. */
    async function open(): Promise<void> {
      unmount();
      vi.resetModules();
      document.body.innerHTML = "<main></main>";
      unmount = await mount(resolve(`../examples/${name}/src`), document.querySelector("main") as HTMLElement);
    }

    async function logIn(password: string): Promise<void> {
      const fields = document.querySelectorAll("input");
      for (const [index, value] of ["ada", password].entries()) (fields[index] as HTMLInputElement).value = value;
      press("Log in");
    }

    beforeEach(async () => {
      server = new Server();
      server.latency = 2;
      localStorage.clear();
      vi.stubGlobal("fetch", server.fetch);
      await open();
      await shows("User name");
      // A visitor's one question is asked.
      server.calls.length = 0;
    });
    afterEach(() => unmount());

    test("shows a wrong password's error, signs in, calls what is protected, and signs out", async () => {
      await logIn("wrong");
      await shows("invalid_credentials.");
      await logIn("right");
      await shows("Signed in as ada");
      press("My profile");
      await shows('200: {"by":"ada"');
      press("Log out");
      await shows("User name");
      expect(server.refreshes).toBe(0);
    });

    test("after a reload signs in by one refresh, and 401 costs another", async () => {
      await logIn("right");
      await shows("Signed in as ada");
      await open();
      await shows("Signed in as ada");
      expect(server.refreshes).toBe(1);
      for (const row of server.rows.values()) row.alive = false;
      press("My profile");
      await shows("Please log in again.");
      expect(server.refreshes).toBe(2);
    });
  });
