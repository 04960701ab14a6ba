// Where this user is signed in, and how to end it: on this device, on another, on all others.

const when = (text) => new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Keeps the list `place` up to date for whoever is signed in; `say` tells what came of a press. */
export function showDevices({ auth, place, say, element }) {
  let shown; // the session whose list is shown

  async function act(sentence, work) {
    try {
      await work();
      say(sentence, "good");
      if (auth.state.status === "signed-in") await list();
    } catch (error) {
      say(`${error.message} (${error.status || "no answer"})`, "bad");
    }
  }

  function row({ id, device, ip_address: address, last_used_at: used, current }) {
    const line = document.createElement("li");
    const name = element("b", device || "An unknown device");
    if (current) name.append(" ", element("span", "this device", "badge"));
    const end = element("button", current ? "Log out" : "End");
    end.setAttribute("aria-label", current ? "Log out on this device" : `End ${device || "the unknown device"}, last used ${when(used)}`);
    end.addEventListener("click", () =>
      act("That session is over. Its device hears of it with its next call.", () =>
        current ? auth.logout() : auth.request("DELETE", `sessions/${encodeURIComponent(id)}/`),
      ),
    );
    line.append(name, element("span", `${address ?? "address unknown"}, last used ${when(used)}`), end);
    return line;
  }

  async function list() {
    const { sessions } = await auth.request("GET", "sessions/");
    place.querySelector("ul").replaceChildren(...sessions.map(row));
    place.querySelector("[data-end-others]").disabled = sessions.length < 2;
  }

  place.querySelector("[data-end-others]").addEventListener("click", () =>
    act("All other sessions are over.", () => auth.request("DELETE", "sessions/")),
  );
  place.querySelector("[data-reload]").addEventListener("click", () => act("This is where you are signed in now.", list));

  auth.subscribe(() => {
    const sid = auth.state.claims?.sid;
    place.hidden = !sid;
    if (sid === shown) return;
    shown = sid;
    if (sid) list().catch((error) => say(`${error.message} (${error.status || "no answer"})`, "bad"));
  });
}
