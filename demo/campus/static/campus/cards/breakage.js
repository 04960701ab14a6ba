// What can be broken on purpose: each button does its damage, makes one call, and leaves the rest to the client.

import { $, clock, say } from "../page.js";
import { faults, wire } from "../wire.js";
import { act } from "./timeline.js";

const HOUR = 3_600_000;

export function showBreakage({ auth, call, follow }) {
  follow(({ status }) => {
    $("breakage").hidden = status !== "signed-in";
  });

  const breaks = {
    expire: () => {},
    drop: () => {
      faults.drop = true;
    },
    slow: () => {
      faults.slow = 3000;
    },
  };
  for (const [id, damage] of Object.entries(breaks)) {
    $(id).addEventListener("click", async () => {
      act($(id).textContent);
      faults.spoiled = await auth.token();
      damage();
      await callOnce();
    });
  }

  $("behind").addEventListener("click", async () => {
    act($("behind").textContent);
    const headers = { Authorization: `Bearer ${await auth.token()}` };
    await wire(`/auth/sessions/${auth.state.claims.sid}/`, { method: "DELETE", headers }).catch(() => {});
    await callOnce();
  });

  let moved = 0; // milliseconds
  const RealDate = Date;
  const now = () => RealDate.now() + moved;
  $("clock").addEventListener("change", async ({ target }) => {
    // As the whole page sees it, the client too.
    globalThis.Date = new Proxy(RealDate, {
      construct: (date, given, maker) => Reflect.construct(date, given.length ? given : [now()], maker),
      get: (date, name) => (name === "now" ? now : Reflect.get(date, name)),
    });
    moved = Number(target.value) * HOUR;
    act(`The clock is ${target.parentElement.textContent.trim()}`);
    const status = await callOnce();
    if (auth.state.status === "signed-in") {
      say(`Here it is ${clock(new Date())} now, and you are still signed in: /profile/ answered ${status}.`, "good");
    }
  });
  setInterval(() => {
    $("now").textContent = clock(new Date());
  }, 250);

  /** The status of one call; what went wrong with it the timeline tells. */
  async function callOnce() {
    return call("/profile/", { cache: "no-store" }).then(
      (response) => response.status,
      (error) => error.code,
    );
  }
}
