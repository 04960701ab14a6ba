// What every card needs: elements, words for times and errors, and the one line at the bottom that is read out.

export const $ = (id) => document.getElementById(id);

export function element(name, content, className = "") {
  const made = document.createElement(name);
  made.append(...[content].flat());
  made.className = className;
  return made;
}

/** When something was last said, so that who speaks by itself does not talk over what somebody just did. */
export let said = 0;

/** In the one live region of the page; `tone` is "good", "bad" or "". */
export function say(message, tone = "") {
  said = performance.now();
  $("message").textContent = message;
  $("message").className = `message ${tone}`;
}

/** An AuthError as the server sent it: its status, code and description. */
export const refusal = ({ status, code, message }) => `${status || "No answer"} ${code}: ${message}`;

export const toneOf = (status) => (status >= 200 && status < 300 ? "good" : "bad");

export const clock = (time) => time.toLocaleTimeString("en-GB");

export const readJson = (response) => response.json().catch(() => null);
