/** Calls with the access token: who gets it, and what is sent again when it is refused. */

import { AuthError } from "./errors.js";
import type { Here } from "./here.js";
import { answerOf, initOf, type Json, throwAuthError } from "./http.js";
import { type Answer, refusalOf } from "./refusal.js";
import { current } from "./renewal.js";
import { addressOf, headersOf, pageAddress, replayable, type Sender } from "./replay.js";
import type { Session } from "./session.js";
import { emit } from "./state.js";
import { stepUp } from "./stepup.js";
import { type Signal, unlessAborted } from "./surroundings.js";

/** A call, however it is sent: Angular's HttpRequest is one. */
export interface Call {
  readonly url: string;
  readonly method: string;
  readonly headers: { has(name: string): boolean };
  readonly body?: unknown;
  /** Ends every wait at once, with its own error. */
  readonly signal?: Signal | null | undefined;
}

export interface Calls {
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /**
   * The rules of `fetch` for any other way of sending, for adapters: `send` is given the access token, "" for a call that
   * takes none, and is called again for what is repeated. It resolves for every status, and rejects without an answer.
   */
  carry<Met extends Answer>(call: Call, send: (access: string) => Promise<Met>): Promise<Met>;
  /** Calls an endpoint below `baseURL` with the token; its JSON, or an AuthError. */
  request(method: string, path: string, body?: Json): Promise<Json>;
}

function takesToken(here: Here, url: URL, address: string): boolean {
  const isSafe = ["https:", new URL(pageAddress()).protocol].includes(url.protocol);
  const isOurs = ["login/", "refresh/", "logout/"].some((path) => here._base + path === address);
  return isSafe && here._origins.includes(url.origin) && !isOurs;
}

export function carry<Met extends Answer>(
  here: Here,
  call: Call,
  send: (access: string) => Promise<Met>,
): Promise<Met> {
  const { signal } = call;
  // Whoever has left waits for nothing, and nothing more is sent.
  const sending = (access: string) => (signal?.aborted ? Promise.reject() : send(access));
  return unlessAborted(signal, () => carryOn(here, call, sending));
}

async function carryOn<Met extends Answer>(
  here: Here,
  call: Call,
  send: (access: string) => Promise<Met>,
): Promise<Met> {
  const url = addressOf(call.url);
  const address = url.origin + url.pathname;
  if (!takesToken(here, url, address) || call.headers.has("Authorization")) return send("");
  if (typeof (call.body as Partial<ReadableStream> | null)?.getReader === "function") {
    throw new AuthError("body_not_replayable", "A stream cannot be sent twice.");
  }
  const asked = here._session;
  const first = await current(here);
  requireSame(here, asked, 0);
  if (!first) return send("");
  let used = first;
  /** What it was repeated for: for each reason once. */
  const reasons = new Set<string>();
  for (;;) {
    const answer = await send(used.access);
    const { status } = answer;
    if (reasons.size) emit(here, "replayed", { method: call.method.toUpperCase(), url: url.href, status });
    requireSame(here, first, status);
    if (status !== 401) return answer;
    const { code, maxAge } = await refusalOf(answer);
    let next: Session | null = null;
    if (reasons.has(code)) {
      if (code === "invalid_token" && here._session === used) here._hopeless?.add(address);
    } else if (code === "invalid_token") {
      if (!here._hopeless?.has(address)) next = await current(here, { stale: used.access });
    } else if (code === "insufficient_user_authentication") {
      next = await stepUp(here, used, maxAge);
    }
    requireSame(here, first, status);
    if (!next || next.access === used.access) return answer;
    reasons.add(code);
    used = next;
  }
}

/** What was asked as one user is neither asked again as another, nor is the answer theirs to see. */
function requireSame(here: Here, first: Session | null, status: number): void {
  if (first && here._session && here._session.sid !== first.sid) {
    throw new AuthError("session_changed", "Somebody else has signed in.", status);
  }
}

export async function fetch(here: Here, input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  let sender: Promise<Sender> | undefined;
  const request = input instanceof Request ? input : undefined;
  const call = {
    url: addressOf(input).href,
    method: init.method ?? request?.method ?? "GET",
    headers: headersOf(input, init),
    body: init.body,
    signal: init.signal === undefined ? request?.signal : init.signal,
  };
  return carry(here, call, async (access) => {
    if (!access) return here._send(input, init);
    sender ??= replayable(here._send, input, init);
    return (await sender)(access);
  });
}

export async function request(here: Here, method: string, path: string, body?: Json): Promise<Json> {
  try {
    return await answerOf(await fetch(here, here._base + path, initOf(method, body)));
  } catch (error) {
    return throwAuthError(error);
  }
}
