// A change that asks for a recent login (RFC 9470): the person is asked for the password, and the client repeats the call.

import { $, refusal, say } from "../page.js";
import { act, step } from "./timeline.js";

const LATER = "#an-hour-later";

export function showStepUp({ auth, call }) {
  const dialog = $("step-up");

  auth.on("step-up", ({ maxAge, waitUntil }) => {
    step("asks for the password", { remark: `a login of the last ${maxAge / 60} minutes is wanted` });
    waitUntil(confirmed());
  });

  /** Kept once the password was right; broken by whoever would rather not. */
  function confirmed() {
    $("step-up-form").reset();
    $("step-up-error").textContent = "";
    $("step-up-user").value = auth.state.user.username;
    dialog.showModal();
    return new Promise((resolve, reject) => {
      $("step-up-form").onsubmit = async (event) => {
        event.preventDefault();
        try {
          await auth.reauthenticate({ password: $("step-up-password").value });
          resolve();
          dialog.close();
        } catch (error) {
          $("step-up-error").textContent = refusal(error);
          $("step-up-password").select();
        }
      };
      dialog.onclose = () => reject(new Error("Nobody confirmed it."));
    });
  }

  $("step-up-cancel").addEventListener("click", () => dialog.close());
  auth.on("signed-out", () => dialog.close());

  $("old-login").addEventListener("click", async () => {
    await call("/old-login/", { method: "POST" });
    // The client believes no token that says of a login what it knows better. A page that comes anew knows nothing.
    location.hash = LATER;
    location.reload();
  });
  if (location.hash === LATER) {
    history.replaceState(null, "", location.pathname);
    auth.ready.then(change);
  }

  async function change() {
    act($("old-login").textContent);
    const options = { method: "PATCH", body: '{"grade": "A"}', headers: { "Content-Type": "application/json" } };
    const { status } = await call("/office/1/", options);
    if (status === 403) say("You are no registrar, so nobody asked for your password. Log in as rosa.", "bad");
    else if (status === 401) say("Not confirmed, so the 401 is what the page got.", "bad");
    else say("Confirmed, and the change was sent again.", "good");
  }
}
