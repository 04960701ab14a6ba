// A second session, whose refresh token this page may see, is copied and found out: its story from the login to the end.

import { $, element, readJson, refusal, say } from "../page.js";
import { wire } from "../wire.js";
import { act, underWay } from "./timeline.js";

export function showReplay({ auth, follow, devices }) {
  follow(({ status }) => {
    if (status === "signed-in") return;
    $("replay-steps").replaceChildren();
    $("replay").reset();
  });

  $("replay").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("replay").querySelector("button");
    if (button.getAttribute("aria-disabled")) return; // it is still going on, and keeps the focus
    const password = $("replay-password").value;
    act("Replay an old refresh token");
    const over = underWay();
    $("replay-error").textContent = "";
    $("replay-steps").replaceChildren();
    button.setAttribute("aria-disabled", "true");
    try {
      await replay(password);
      $("replay").reset();
    } catch (error) {
      $("replay-error").textContent = refusal(error);
      $("replay-password").select();
    }
    button.removeAttribute("aria-disabled");
    over();
  });

  async function replay(password) {
    const { username } = auth.state.user;
    const first = await ask("/auth/login/", { username, password, transport: "body" }, "second session");
    tell("The second session begins, with refresh token 1. You find it among your devices.");
    await devices.list(first.refresh_token.split(".")[0]);
    const second = await next(first, "token 1");
    tell("Token 1 is exchanged for token 2.");
    tell("Token 2 is sent, and comes back as it is: for a moment the server repeats itself, so that a lost answer harms nobody.");
    const third = await next(second, "token 2");
    tell("A moment later, token 2 is exchanged for token 3.");
    const replayed = await ask("/auth/refresh/", first, "token 1").catch((error) => error);
    tell(`Token 1 is sent once more: ${replayed.status} ${replayed.code}.`, "bad");
    const honest = await ask("/auth/refresh/", third, "token 3").catch((error) => error);
    tell(`Token 3, the newest, is now refused too: ${honest.status} ${honest.code}. Thief or owner, nobody has this session any more.`, "bad");
    await devices.list();
    tell("Your own session is another one, and lives on.", "good");
    say("The replayed token has ended the second session; yours lives on.", "good");
  }

  /** The answer with another refresh token than this one's, which the server gives once its grace is over. */
  async function next(held, name) {
    for (;;) {
      const given = await ask("/auth/refresh/", held, name);
      if (given.refresh_token !== held.refresh_token) return given;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Without the cookie, which is of the session that this page is signed in with. */
async function ask(path, { username, password, transport, refresh_token }, remark) {
  const body = JSON.stringify({ username, password, transport, refresh_token });
  const headers = { "Content-Type": "application/json" };
  const response = await wire(path, { method: "POST", headers, body, credentials: "omit", cache: "no-store" }, remark);
  const data = await readJson(response);
  if (response.ok) return data;
  throw { status: response.status, code: data?.error ?? "unexpected_answer", message: data?.error_description ?? "" };
}

const tell = (text, tone = "") => $("replay-steps").append(element("li", text, tone));
