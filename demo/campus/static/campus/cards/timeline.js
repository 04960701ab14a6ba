// The stories: what somebody did, and then each step of the client, with its milliseconds. The newest story is the first.

import { $, clock, element, said, say, toneOf } from "../page.js";

const STORIES = 30;
/** A story is over when nothing is under way, and has not been for so long (ms). */
const QUIET = 400;

const list = document.querySelector("#timeline .stories");
let story = null;
let client = null;
let calls = 0;
let ending;

/** A new story, by what somebody has just done; the steps that follow are its. */
export function act(title, { announced = true } = {}) {
  const began = performance.now();
  const steps = element("ol", [], "steps");
  const took = element("span", "", "took");
  const head = element("p", [element("time", clock(new Date())), element("b", title), took], "head");
  story = { title, began, announced, steps, took, seen: new Map(), refused: [] };
  list.prepend(element("li", [head, steps]));
  list.hidden = false;
  list.scrollTop = 0;
  while (list.children.length > STORIES) list.lastChild.remove();
  document.querySelector("#timeline .hint").hidden = true;
  settle();
}

/** One step of the story; the same again, as of twenty calls at once, is counted and not repeated. */
export function step(text, { status, tone = status === undefined ? "" : toneOf(status), remark = "" } = {}) {
  if (!story) act("By itself", { announced: false });
  const { began, seen, steps, took } = story;
  const after = Math.round(performance.now() - began);
  const key = `${text} ${status} ${remark}`;
  const line = seen.get(key) ?? { count: 0, place: element("li", []), after, text, status, tone };
  line.count++;
  seen.set(key, line);
  line.place.className = tone;
  line.place.replaceChildren(
    element("span", [
      ...(line.count > 1 ? [element("b", `${line.count} × `)] : []),
      text,
      ...(status === undefined ? [] : [" ", element("b", status || "no answer")]),
      ...(remark ? [element("small", remark)] : []),
    ]),
    element("span", after > line.after ? `${line.after}–${after} ms` : `${after} ms`, "after"),
  );
  if (line.count === 1) steps.append(line.place);
  took.textContent = `${after} ms`;
  settle();
}

/** Something takes its time; the function that is given back says that it is over. */
export function underWay() {
  calls++;
  settle();
  return () => {
    calls--;
    settle();
  };
}

/** An answer, or none (status 0). The client itself tells of a call that it sent again, with another token. */
export function answered({ method, path, token, status, error, remark }) {
  const call = `${method} ${path}`;
  const again = story?.refused.findIndex((refused) => refused.call === call && refused.token !== token) ?? -1;
  if (again >= 0) {
    story.refused.splice(again, 1);
    return;
  }
  step(call, { status, remark: [error, remark].filter(Boolean).join(", ") });
  if (status === 401 && token) story.refused.push({ call, token });
}

function settle() {
  clearTimeout(ending);
  if (!calls && story && !client?.state.refreshing) ending = setTimeout(end, QUIET);
}

/** The whole story in one sentence, once: whoever listens is not told of each of twenty calls. */
function end() {
  const { title, announced, began, seen, took } = story;
  story = null;
  if (!announced || !seen.size || said > began) return;
  const steps = [...seen.values()].map(({ count, text, status }) =>
    [count > 1 ? `${count} ×` : "", text, status === undefined ? "" : status || "no answer"].filter(Boolean).join(" "),
  );
  say(`${title}: ${steps.join(", ")} (${took.textContent}).`, [...seen.values()].at(-1).tone);
}

/** What the client says of itself. */
export function showTimeline({ auth }) {
  client = auth;
  auth.subscribe(settle);
  auth.on("refreshed", ({ by, milliseconds }) =>
    step("new access token", {
      tone: "good",
      remark: [by === "tab" ? "by another tab" : "by network", ...(milliseconds ? [`${Math.round(milliseconds)} ms`] : [])].join(", "),
    }),
  );
  auth.on("replayed", ({ method, url, status }) => step(`again ${method} ${new URL(url).pathname}`, { status }));
  auth.on("signed-in", ({ user }) => step(`signed in as ${user.username}`, { tone: "good" }));
  auth.on("signed-out", ({ reason }) => step("signed out", { tone: reason === "logout" ? "" : "bad", remark: reason }));
  auth.on("degraded", ({ error }) => step("degraded, still signed in", { tone: "bad", remark: error.code }));
}
