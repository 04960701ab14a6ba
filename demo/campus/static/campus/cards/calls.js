// The API, asked as whoever is signed in, and what its answer means: 401 is not 403.

import { $, element, readJson, toneOf } from "../page.js";
import { faults, wire } from "../wire.js";
import { act } from "./timeline.js";

export function showCalls({ auth, call }) {
  const buttons = [...document.querySelectorAll("#calls button")];
  let left = 0; // how often somebody signed out

  async function press(button) {
    const before = left;
    const { path, method = "GET", body, times = "1", spoiled, anonymous } = button.dataset;
    act(button.textContent);
    report(button, "…");
    if (spoiled !== undefined) faults.spoiled = await auth.token();
    const options = { method, body, headers: body ? { "Content-Type": "application/json" } : {}, cache: "no-store" };
    const send = anonymous === undefined ? call : wire;
    const answers = await Promise.all(
      Array.from({ length: Number(times) }, () =>
        send(path, options).then(
          async (response) => ({ response, status: response.status, data: await readJson(response) }),
          (error) => ({ status: error.status, data: error.message }),
        ),
      ),
    );
    const statuses = [...new Set(answers.map(({ status }) => status || "no answer"))].join(", ");
    const { response, status, data } = answers.at(-1);
    if (left !== before && status !== 401) return; // it was for somebody who has left
    report(button, answers.length > 1 ? `${answers.length} × ${statuses}` : statuses, toneOf(status));
    $("answer").textContent = `${method} ${path} → ${status || "no answer"}\n${JSON.stringify(data, null, 2)}`;
    $("why").textContent = response ? meaning(response, data) : "";
    $("why").hidden = !$("why").textContent;
  }

  for (const button of buttons) button.addEventListener("click", () => press(button));

  auth.on("signed-out", () => {
    left += 1;
    for (const button of buttons) report(button, "–");
    $("answer").textContent = "Nothing called yet.";
    $("why").hidden = true;
  });
}

/** Why the server said no, by what it sent: the challenge (RFC 6750 §3) of a 401, its sentence for a 403. */
function meaning({ status, headers }, data) {
  const challenge = headers.get("WWW-Authenticate") ?? "";
  const error = /error="([^"]*)"/.exec(challenge)?.[1];
  if (status === 403) {
    return `403: it is known who you are, and you may not (“${data?.detail ?? data?.error_description}”). No other token would help, so the client refreshes nothing.`;
  }
  if (status !== 401) return "";
  return error
    ? `401 with ${challenge}: a token came, and is refused (${error}). The client tried to refresh it, and could not.`
    : `401 with ${challenge}: no token came, so the challenge names no error. There is nothing to refresh: log in.`;
}

function report(button, text, tone = "") {
  const place = button.closest("li").querySelector(".status");
  place.textContent = text;
  place.className = `status ${tone}`;
}
