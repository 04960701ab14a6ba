// `fetch` as the client is given it: each answer is told to the timeline, and what is to break breaks here.

import { answered, underWay } from "./cards/timeline.js";
import { readJson } from "./page.js";

/** What happens to an access token that is to be refused, to the answer of the next refresh, and to its speed (ms). */
export const faults = { spoiled: "", drop: false, slow: 0 };

export async function wire(input, init = {}, remark = "") {
  const { method = "GET" } = init;
  const path = new URL(input, location.href).pathname;
  const refreshing = path === "/auth/refresh/" && !remark;
  const headers = new Headers(init.headers);
  const token = headers.get("Authorization") ?? "";
  if (faults.spoiled && token.endsWith(faults.spoiled)) headers.set("Authorization", spoil(token));
  const note = { method, path, remark, token, status: 0, error: "" };
  const over = underWay();
  try {
    if (refreshing && faults.slow) await pause(note);
    const response = await fetch(input, { ...init, headers });
    if (refreshing && faults.drop) lose(note);
    note.status = response.status;
    note.error = (!response.ok && (await readJson(response.clone()))?.error) || "";
    return response;
  } finally {
    answered(note);
    over();
  }
}

// The first character of the signature: unlike the last, each of its bits counts.
const spoil = (token) => token.replace(/\.(.)([^.]*)$/, (_, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`);

async function pause(note) {
  note.remark = `held back for ${faults.slow / 1000} s`;
  const wait = faults.slow;
  faults.slow = 0;
  await new Promise((resolve) => setTimeout(resolve, wait));
}

/** The server has answered, and the cookie is the new one; the page never hears of it. */
function lose(note) {
  note.remark = "its answer was dropped";
  faults.drop = false;
  throw new TypeError("The answer was dropped, as asked.");
}
