/** Every way in which the client says no. */

/** The server's codes (RFC 6749, RFC 6750, RFC 9470), and the client's own from `unreachable` on. */
export type AuthErrorCode =
  | "access_denied"
  | "insufficient_scope"
  | "insufficient_user_authentication"
  | "invalid_credentials"
  | "invalid_grant"
  | "invalid_request"
  | "invalid_scope"
  | "invalid_token"
  | "not_found"
  | "origin_not_allowed"
  | "rate_limited"
  | "temporarily_unavailable"
  | "unreachable"
  | "unexpected_answer"
  | "body_not_replayable"
  | "session_changed"
  | "signed_out"
  | "disposed"
  | (string & {});

/** What it tells is a code and the server's own sentence: never a token, a password or a body. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  declare readonly code: AuthErrorCode;
  /** The HTTP status, 0 without an answer. */
  declare readonly status: number;
  /** Nothing is lost and nobody was signed out: the same may work a little later. */
  declare readonly retryable: boolean;
  /** Seconds that the server asked to wait, 0 when it did not. */
  declare readonly retryAfter: number;

  constructor(code: AuthErrorCode, message: string, status = 0, retryable = false, retryAfter = 0) {
    super(message);
    Object.assign(this, { code, status, retryable, retryAfter });
  }
}

/** A proxy's page, a captive portal's, a debug page; or tokens that are none. */
export const unexpected = (status: number, retryAfter = 0): AuthError =>
  new AuthError("unexpected_answer", `Unexpected: ${status}.`, status, true, retryAfter);
