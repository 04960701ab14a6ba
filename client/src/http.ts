/** One call of an auth endpoint: the JSON that it answers, or an AuthError that says whether to try again. */

import { AuthError, unexpected } from "./errors.js";
import { aborter } from "./surroundings.js";

export type Json = Record<string, unknown>;

/** Whom to ask. */
export interface Server {
  /** Where the auth endpoints are, with a slash at the end. */
  readonly _base: string;
  readonly _credentials: RequestCredentials;
  readonly _send: typeof fetch;
}

export interface PostOptions extends Pick<RequestInit, "headers" | "keepalive"> {
  /** Gives it up early. */
  readonly controller?: AbortController | undefined;
}

/** Sends JSON, follows no redirect (a password goes where it was meant to go), and gives up in time. */
export function post(
  here: Server,
  path: string,
  body: Json,
  { headers, controller = aborter(), ...options }: PostOptions = {},
): Promise<Json> {
  // A refresh that hangs is given up while its repetition is still within the server's grace of 10 s.
  const PATIENCE = 8_000;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise<Json>((resolve, reject) => {
    // What sends may not know of signals.
    timer = setTimeout(() => {
      reject();
      controller?.abort();
    }, PATIENCE);
    here
      ._send(here._base + path, {
        credentials: here._credentials,
        ...options,
        ...initOf("POST", body, headers),
        redirect: "error",
        signal: controller?.signal ?? null,
      })
      .then(answerOf)
      .then(resolve, reject);
  })
    .catch(throwAuthError)
    .finally(() => clearTimeout(timer));
}

/** JSON, asked for and perhaps sent, and kept by no cache. */
export const initOf = (method: string, body?: Json, headers?: HeadersInit): RequestInit => ({
  method,
  cache: "no-store",
  headers: { ...headers, Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
  body: body ? JSON.stringify(body) : null,
});

/** The JSON object of a good answer, `{}` for 204. Anything that our server would not say is retryable, whatever its status. */
export async function answerOf(response: Response): Promise<Json> {
  const { status } = response;
  if (status === 204) return {};
  // Else a proxy's page, a captive portal's, a debug page; or half of an answer.
  const json: Json | null = await response.json().catch(() => null);
  if (response.ok && json && typeof json === "object") return json;
  // The body first: on another origin CORS hides the header.
  const retryAfter = Number(json?.retry_after ?? response.headers.get("Retry-After")) || 0;
  const code = json?.error;
  if (typeof code !== "string" || response.ok) throw unexpected(status, retryAfter);
  const retryable = status >= 500 || status === 429;
  throw new AuthError(code, String(json?.error_description ?? code), status, retryable, retryAfter);
}

/** What `fetch` itself throws has no answer behind it: a lost network, a refused redirect, our own patience. */
export function throwAuthError(error: unknown): never {
  throw error instanceof AuthError ? error : new AuthError("unreachable", "The server cannot be reached.", 0, true);
}
