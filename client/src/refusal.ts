/** What a refused call means: by its body, which a page may read wherever it is from; else by its challenge, which CORS hides. */

import type { Json } from "./http.js";

/** What a call meets, a refusal included: a Response is one, as are Angular's and axios' answers. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): unknown };
  /** What was answered, as axios and Angular name it: text, JSON, a Blob or a buffer. */
  readonly data?: unknown;
  readonly error?: unknown;
}

export interface Refusal {
  readonly code: string;
  /** Seconds since the login, at most; 0 where nothing was said. */
  readonly maxAge: number;
}

export async function refusalOf(answer: Answer): Promise<Refusal> {
  const challenge = String(answer.headers.get("WWW-Authenticate"));
  const told = await bodyOf(answer).catch(() => null);
  const code = String(told?.error);
  return {
    // A project may have words of its own in its bodies: then the challenge has ours.
    code: /^in(valid|sufficient)_/.test(code) ? code : (/error="([^"]*)/.exec(challenge)?.[1] ?? "invalid_token"),
    maxAge: Number(told?.max_age ?? /max_age="?(\d+)/.exec(challenge)?.[1]) || 0,
  };
}

/** The answer's JSON, however its sender hands it out; whoever made the call can still read it. */
async function bodyOf(answer: Answer): Promise<Json> {
  if (answer instanceof Response) return answer.clone().json();
  const body = answer.data ?? answer.error;
  // No stream: that would be read to its end.
  const isRaw = /String|Blob|Buffer/.test({}.toString.call(body));
  return isRaw ? new Response(body as Blob).json() : (body as Json);
}
