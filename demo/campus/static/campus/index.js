// Who is signed in, what the access token says, and what each call is answered. The client does the rest: it refreshes,
// repeats, and speaks with the other tabs.

import { createAuth } from "../django_ironclad/ironclad.js";
import { showDevices } from "./devices.js";

const $ = (id) => document.getElementById(id);
const auth = createAuth({ baseURL: "/auth/", fetch: watched });

// ---- What the client sends --------------------------------------------------------------------------------------------

let spoiled = ""; // an access token that leaves with a changed signature
const answers = new Map(); // the statuses that a call was answered since its button was pressed

/** `fetch`, with a line in the page's log. A server that cannot be reached has the status 0. */
async function watched(path, init = {}) {
  const { method = "GET" } = init;
  const { pathname } = new URL(path, location.href);
  const seen = answers.get(`${method} ${pathname}`) ?? [];
  const note = pathname === "/auth/refresh/" ? "the cookie goes along" : seen.length ? "again" : "";
  const headers = new Headers(init.headers);
  if (spoiled && headers.get("Authorization") === `Bearer ${spoiled}`) headers.set("Authorization", `Bearer ${spoil(spoiled)}`);
  try {
    const response = await fetch(path, { ...init, headers });
    const error = (await readJson(response.clone()))?.error;
    seen.push(response.status);
    log(method, pathname, response.status, [error, note].filter(Boolean).join(", "));
    return response;
  } catch (error) {
    log(method, pathname, 0, note);
    throw error;
  }
}

// The first character of the signature: unlike the last, each of its bits counts.
const spoil = (token) => token.replace(/\.(.)([^.]*)$/, (_, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`);

const readJson = (response) => response.json().catch(() => null);

async function press(button) {
  report(button, "…");
  const { method, path, body } = button.dataset;
  const seen = [];
  answers.set(`${method} ${path}`, seen);
  let data;
  try {
    const headers = body ? { "Content-Type": "application/json" } : {};
    data = await readJson(await auth.fetch(path, { method, body, headers, cache: "no-store" }));
  } catch (error) {
    data = error.message;
  }
  const status = seen.at(-1);
  report(button, seen.length > 1 ? `401 → refreshed → ${status}` : status || "no answer", tone(status));
  $("answer").textContent = `${method} ${path} → ${status || "no answer"}\n${JSON.stringify(data, null, 2)}`;
}

// ---- Who is signed in -------------------------------------------------------------------------------------------------

auth.subscribe(show);
auth.on("refreshed", ({ by }) =>
  say(by === "tab" ? "Another tab brought a new access token." : "The server gave a new access token.", "good"),
);
auth.on("degraded", ({ error }) =>
  say(`The token could not be refreshed just now (${error.status || "no answer"}). You are still signed in: try again.`, "bad"),
);
auth.on("signed-out", ({ reason }) => {
  if (reason === "logout") say("You are logged out.", "good");
  else say(`Your session is over: the server refused the refresh (400 ${reason}). Please log in again.`, "bad");
  for (const button of callButtons) report(button, "–");
  $("answer").textContent = "Nothing called yet.";
  $("login").reset();
  show();
  $("username").focus();
});

async function login(event) {
  event.preventDefault();
  try {
    const { username } = await auth.login({ username: $("username").value, password: $("password").value });
    say(`Welcome, ${username}.`, "good");
    show();
    $("token-title").focus();
  } catch (error) {
    say(`${error.message} (${error.status || "no answer"})`, "bad");
    $("password").select();
  }
}

async function logout() {
  if (!(await auth.logout())) say("You are logged out. The server will hear of it when it can be reached.", "good");
}

function show() {
  const { status, user, claims } = auth.state;
  $("signed-in").hidden = status !== "signed-in";
  $("signed-out").hidden = status === "signed-in";
  if (!claims) return;
  $("who").textContent = user.username;
  $("life").max = claims.exp - claims.iat;
  $("claims").replaceChildren(...Object.entries(claims).map(([name, value]) => claimRow(name, value)));
  tick();
}

function tick() {
  const left = auth.expiresIn();
  $("life").value = left;
  $("countdown").textContent = left
    ? `The access token lives ${Math.ceil(left)} s more.`
    : "The access token is over: the next call refreshes it first.";
}

// ---- What it looks like -----------------------------------------------------------------------------------------------

function say(message, tone = "") {
  $("message").textContent = message;
  $("message").className = `message ${tone}`;
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function claimRow(name, value) {
  const isTime = ["iat", "exp", "auth_time"].includes(name);
  const row = document.createElement("tr");
  const heading = element("th", name);
  heading.scope = "row";
  row.append(heading, element("td", isTime ? new Date(value * 1000).toLocaleTimeString() : [value].flat().join(", ") || "–"));
  return row;
}

const tone = (status) => (status >= 200 && status < 300 ? "good" : "bad");

function log(method, path, status, remark) {
  const line = document.createElement("li");
  line.append(
    element("time", new Date().toLocaleTimeString()),
    element("code", `${method} ${path}`),
    element("b", status || "no answer", tone(status)),
    element("span", remark),
  );
  $("log").prepend(line);
  $("log-empty").hidden = true;
  while ($("log").children.length > 40) $("log").lastChild.remove();
}

function report(button, text, className = "") {
  button.closest("li").querySelector(".status").replaceWith(element("b", text, `status ${className}`));
}

// ---- The page ---------------------------------------------------------------------------------------------------------

const callButtons = [...document.querySelectorAll("button[data-path]")];
for (const button of callButtons) button.addEventListener("click", () => press(button));
$("call-all").addEventListener("click", () => callButtons.forEach(press));
$("login").addEventListener("submit", login);
$("logout").addEventListener("click", logout);
$("spoil").addEventListener("click", async () => {
  spoiled = await auth.token();
  say("One character of the access token's signature is changed. Call something.");
});
$("logout-elsewhere").addEventListener("click", async () => {
  const headers = { "Content-Type": "application/json" };
  const { ok } = await watched("/auth/logout/", { method: "POST", headers, body: "{}" }).catch(() => ({ ok: false }));
  if (ok) say("The session is over on the server; this page does not know. Call something.");
  else say("The server could not end the session. Try again.", "bad");
});
showDevices({ auth, place: $("devices"), say, element });
setInterval(tick, 250);

await auth.ready;
show();
