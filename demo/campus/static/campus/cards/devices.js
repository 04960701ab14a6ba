// Where this user is signed in, and how to end it: on this device, on another, on all others.

import { $, element, refusal, say } from "../page.js";
import { act } from "./timeline.js";

const when = (text) => new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

export function showDevices({ auth, follow }) {
  const place = $("devices");
  const endOthers = place.querySelector("[data-end-others]");
  let shown; // the session whose list is shown

  async function work(title, sentence, task) {
    act(title);
    try {
      await task();
      if (auth.state.status !== "signed-in") return;
      await list();
      // The button that was pressed is gone with its line.
      if (!place.contains(document.activeElement)) $("devices-title").focus();
      say(sentence, "good");
    } catch (error) {
      say(refusal(error), "bad");
    }
  }

  function row({ id, device, ip_address: address, last_used_at: used, current }, second) {
    const name = element("b", device || "An unknown device");
    if (current) name.append(" ", element("span", "this device", "badge"));
    if (id === second) name.append(" ", element("span", "to be replayed", "badge bad"));
    const end = element("button", current ? "Log out" : "End");
    end.setAttribute("aria-label", current ? "Log out on this device" : `End ${device || "the unknown device"}, last used ${when(used)}`);
    end.addEventListener("click", () =>
      work("End a session", "That session is over. Its device hears of it with its next call.", () =>
        current ? auth.logout() : auth.request("DELETE", `sessions/${encodeURIComponent(id)}/`),
      ),
    );
    return element("li", [name, element("span", `${address ?? "address unknown"}, last used ${when(used)}`), end]);
  }

  async function list(second) {
    const { sessions } = await auth.request("GET", "sessions/");
    place.querySelector("ul").replaceChildren(...sessions.map((session) => row(session, second)));
    endOthers.disabled = sessions.length < 2;
  }

  endOthers.addEventListener("click", () =>
    work("End all others", "All other sessions are over.", () => auth.request("DELETE", "sessions/")),
  );
  place.querySelector("[data-reload]").addEventListener("click", () =>
    work("Look again", "This is where you are signed in now.", () => {}),
  );

  follow(({ claims }) => {
    place.hidden = !claims;
    if (claims?.sid === shown) return;
    shown = claims?.sid;
    place.querySelector("ul").replaceChildren();
    if (claims) list().catch((error) => auth.state.status === "signed-in" && say(refusal(error), "bad"));
  });

  return { list };
}
