/** One call of an auth endpoint: the JSON that it answers, or an AuthError that says whether to try again. */

import { AuthError } from "./errors.js";

export type Json = Record<string, unknown>;

/** A refresh that hangs is given up while its repetition is still within the server's grace of 10 s. */
const PATIENCE = 8_000;

/** Sends JSON, follows no redirect (a password goes where it was meant to go), and gives up in time. */
export async function post(
  send: typeof fetch,
  url: string,
  body: Json,
  options: Pick<RequestInit, "credentials" | "keepalive" | "signal">,
): Promise<Json> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, PATIENCE);
  options.signal?.addEventListener("abort", abort);
  try {
    return await answerOf(
      await send(url, {
        ...options,
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
        cache: "no-store",
        redirect: "error",
        signal: controller.signal,
      }),
    );
  } catch (error) {
    throw asAuthError(error);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", abort);
  }
}

/** The JSON object of a good answer, `{}` for 204. Anything that our server would not say is retryable, whatever its status. */
export async function answerOf(response: Response): Promise<Json> {
  const { status } = response;
  if (status === 204) return {};
  const text = await response.text();
  let json: Json | null = null;
  try {
    json = JSON.parse(text);
  } catch {
    // A proxy's page, a captive portal's, a debug page.
  }
  if (response.ok && json && typeof json === "object") return json;
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  const code = json?.error;
  if (typeof code !== "string" || response.ok) {
    throw new AuthError(
      "unexpected_answer",
      `The server answered ${status}, but not as expected.`,
      status,
      true,
      retryAfter,
    );
  }
  throw new AuthError(
    code,
    String(json?.error_description ?? code),
    status,
    status >= 500 || status === 429,
    retryAfter,
  );
}

/** What `fetch` itself throws has no answer behind it: a lost network, a refused redirect, our own patience. */
export const asAuthError = (error: unknown): AuthError =>
  error instanceof AuthError ? error : new AuthError("unreachable", "The server cannot be reached.", 0, true);
