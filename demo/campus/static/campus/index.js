// An access token with every call; on a 401 one refresh, then the call once more.
//
// The access token is in this module's memory only. The refresh token is in an HttpOnly cookie, so the browser sends it and
// no script sees it.

const $ = (id) => document.getElementById(id);

// Not a credential: it only spares a visitor who never logged in a refresh that must fail.
const HINT = "campus.signed-in";

let accessToken = "";
let username = "";
let lifetime = 0; // seconds, as the server said
let receivedAt = 0; // by this page's own clock: the server's may differ, so `exp` says nothing here
let refreshing = null; // the refresh under way, shared by all who need it

// ---- The flow ---------------------------------------------------------------------------------------------------------

/** One request, and a line about it in the page's log. A server that cannot be reached has the status 0. */
async function send(method, path, { body, token, note = "" } = {}) {
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let status = 0;
  let data = null;
  try {
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    status = response.status;
    data = await response.json();
  } catch {
    // No answer, or one without JSON, such as 204: the status says which.
  }
  log(method, path, status, [data?.error, note].filter(Boolean).join(", "));
  return { status, data };
}

/** A call to the API: on a 401 the token is refreshed, unless another call did so meanwhile, and the call repeated once. */
async function call(method, path, body) {
  await resume();
  const token = accessToken;
  const caller = username;
  const first = await send(method, path, { body, token });
  if (first.status !== 401 || !token) return first;
  if (token === accessToken) await refresh();
  if (!accessToken || token === accessToken || caller !== username) return first;
  return { ...(await send(method, path, { body, token: accessToken, note: "again" })), repeated: true };
}

/** After loading: nothing is in memory, but the cookie may be good; also when the server was out of reach the first time. */
async function resume() {
  if (!accessToken && localStorage.getItem(HINT)) await refresh();
}

/** However many ask, one refresh is sent. */
function refresh() {
  refreshing ??= askForTokens().finally(() => (refreshing = null));
  return refreshing;
}

async function askForTokens() {
  const { status, data } = await send("POST", "/auth/refresh/", { body: {}, note: "the cookie goes along" });
  if (status === 200) {
    say("The server gave a new access token.", "good");
    signedIn(data);
  } else if (["invalid_grant", "invalid_request"].includes(data?.error)) {
    // Nothing else ends the session: not a lost connection, not a server in trouble.
    signedOut(`Your session is over: the server refused the refresh (${status} ${data.error}). Please log in again.`, "bad");
  } else {
    say(`The token could not be refreshed just now (${status || "no answer"}). You are still signed in: try again.`, "bad");
  }
}

async function login(event) {
  event.preventDefault();
  const body = { username: $("username").value, password: $("password").value, transport: "cookie" };
  const { status, data } = await send("POST", "/auth/login/", { body });
  if (status === 200) {
    say(`Welcome, ${data.username}.`, "good");
    signedIn(data);
    $("token-title").focus();
  } else {
    say(`${data?.error_description ?? "The server did not answer as expected."} (${status || "no answer"})`, "bad");
    $("password").select();
  }
}

async function logout() {
  await refreshing;
  const { status } = await send("POST", "/auth/logout/", { body: {} });
  if (status === 204) signedOut("You are logged out.", "good");
  else say(`The server could not log you out (${status || "no answer"}). Try again.`, "bad");
}

function signedIn(answer) {
  accessToken = answer.access_token;
  username = answer.username;
  lifetime = answer.expires_in;
  receivedAt = performance.now();
  localStorage.setItem(HINT, "yes");
  $("who").textContent = username;
  $("claims").replaceChildren(...Object.entries(decode(accessToken)).map(([name, value]) => claimRow(name, value)));
  show();
}

function signedOut(message, tone) {
  accessToken = "";
  username = "";
  localStorage.removeItem(HINT);
  say(message, tone);
  show();
  for (const button of callButtons) report(button, "–");
  $("answer").textContent = "Nothing called yet.";
  $("login").reset();
  $("username").focus();
}

// ---- What it looks like -----------------------------------------------------------------------------------------------

function show() {
  $("signed-in").hidden = !accessToken;
  $("signed-out").hidden = Boolean(accessToken);
  tick();
}

function tick() {
  if (!accessToken) return;
  const left = Math.max(0, lifetime - (performance.now() - receivedAt) / 1000);
  $("life").max = lifetime;
  $("life").value = left;
  $("countdown").textContent = left
    ? `The access token lives ${Math.ceil(left)} s more.`
    : "The access token is over: the next call is answered 401 and refreshes it.";
}

function say(message, tone = "") {
  $("message").textContent = message;
  $("message").className = `message ${tone}`;
}

/** The claims of a token, without any check: enough to show them, never to decide by them. */
function decode(token) {
  const base64 = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))));
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

async function press(button) {
  report(button, "…");
  const { method, path, body } = button.dataset;
  const { status, data, repeated } = await call(method, path, body && JSON.parse(body));
  report(button, repeated ? `401 → refreshed → ${status}` : status || "no answer", tone(status));
  $("answer").textContent = `${method} ${path} → ${status || "no answer"}\n${JSON.stringify(data, null, 2)}`;
}

// ---- The page ---------------------------------------------------------------------------------------------------------

const callButtons = [...document.querySelectorAll("button[data-path]")];
for (const button of callButtons) button.addEventListener("click", () => press(button));
$("call-all").addEventListener("click", () => callButtons.forEach(press));
$("login").addEventListener("submit", login);
$("logout").addEventListener("click", logout);
$("spoil").addEventListener("click", () => {
  // The first character of the signature: unlike the last, each of its bits counts.
  accessToken = accessToken.replace(/\.(.)([^.]*)$/, (_, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`);
  say("One character of the access token's signature is changed. Call something.");
});
$("logout-elsewhere").addEventListener("click", async () => {
  await refreshing;
  const { status } = await send("POST", "/auth/logout/", { body: {}, note: "as another tab would" });
  if (status === 204) say("The session is over on the server; this page does not know. Call something.");
  else say(`The server could not end the session (${status || "no answer"}). Try again.`, "bad");
});
setInterval(tick, 250);

await resume();
show();
