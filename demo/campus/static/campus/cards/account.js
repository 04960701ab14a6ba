// Log in, with the server's own words when it says no; who I am; log out.

import { $, element, refusal, say } from "../page.js";
import { act } from "./timeline.js";

export function showAccount({ auth, follow, signIn, signOut }) {
  let shown; // the session whose owner is shown

  $("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    act("Log in");
    $("login-error").textContent = "";
    try {
      const { username } = await signIn($("login"));
      say(`Welcome, ${username}.`, "good");
      show(auth.state);
      $("account-title").focus();
    } catch (error) {
      $("login-error").textContent = refusal(error);
      $("password").select();
    }
    $("password").setAttribute("aria-invalid", String($("login-error").textContent !== ""));
  });

  $("logout").addEventListener("click", async () => {
    act("Log out");
    if (!(await signOut())) say("You are logged out. The server will hear of it when it can be reached.", "good");
  });

  auth.on("signed-out", ({ reason }) => {
    if (reason === "logout") say("You are logged out.", "good");
    else say(`Your session is over: the server refused the refresh (400 ${reason}). Please log in again.`, "bad");
    $("login").reset();
    show(auth.state);
    $("username").focus();
  });
  auth.on("degraded", ({ error }) =>
    say(`The token could not be refreshed just now (${refusal(error)}) You are still signed in: try again.`, "bad"),
  );

  function show({ status, user, claims }) {
    $("account").hidden = status !== "signed-in";
    $("signed-out").hidden = status === "signed-in";
    $("who").textContent = user?.username ?? "";
    if (claims?.sid === shown) return;
    shown = claims?.sid;
    $("me").replaceChildren();
    if (claims) whoAmI().catch((error) => auth.state.status === "signed-in" && say(refusal(error), "bad"));
  }

  async function whoAmI() {
    const asked = shown;
    const { first_name, last_name, email, groups } = await auth.request("GET", "me/");
    if (asked !== shown) return; // somebody else by now
    const facts = { Name: `${first_name} ${last_name}`, "E-mail": email, Groups: groups.join(", ") || "none" };
    $("me").replaceChildren(
      ...Object.entries(facts).map(([name, fact]) => element("div", [element("dt", name), element("dd", fact)])),
    );
  }

  follow(show);
}
