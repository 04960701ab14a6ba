/** An access token in memory: whose it is, and how long it still lives. */

import { AuthError } from "./errors.js";

export interface User {
  readonly id: string;
  readonly username: string;
}

/** What the access token says. Decoded, not verified: enough to show, never to decide by. */
export interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly iat: number;
  readonly exp: number;
  /** When the person last proved who this is. */
  readonly auth_time?: number;
  readonly groups?: readonly string[];
  /** There may be groups that `groups` does not name: ask the server, by `me/`. */
  readonly groups_left_out?: boolean;
  readonly scope?: string;
  readonly [name: string]: unknown;
}

export interface Session {
  readonly access: string;
  readonly sid: string;
  readonly user: User;
  readonly claims: Claims;
  /** Milliseconds it had to live when it arrived, and that moment by two clocks. */
  readonly lifetime: number;
  readonly wall: number;
  readonly steady: number;
}

/** The session of an access token that arrived just now. */
export function sessionOf(access: unknown, username: unknown, lifetime: unknown): Session {
  try {
    const base64 = (access as string).split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") as string;
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const claims = Object.freeze(JSON.parse(new TextDecoder().decode(bytes))) as Claims;
    const user = Object.freeze({ id: claims.sub, username: username as string });
    if (typeof claims.sid === "string" && typeof user.username === "string" && Number.isFinite(lifetime)) {
      return {
        access: access as string,
        sid: claims.sid,
        user,
        claims,
        lifetime: lifetime as number,
        wall: Date.now(),
        steady: performance.now(),
      };
    }
  } catch {
    // Not a token of ours.
  }
  throw new AuthError("unexpected_answer", "The server answered without a usable access token.", 200, true);
}

/**
 * Milliseconds that the access token has left. `exp` is never compared with this device's clock, which may be wrong by
 * hours; and of the two clocks the one that saw more time pass counts: one jumps, the other may stop while asleep.
 */
export const leftOf = (session: Session): number =>
  session.lifetime - Math.max(Date.now() - session.wall, performance.now() - session.steady);
