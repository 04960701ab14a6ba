/** An access token in memory: whose it is, and how long it still lives. */

import { unexpected } from "./errors.js";

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
  /** Milliseconds it had to live when it arrived, and those that it has left. */
  readonly lifetime: number;
  readonly left: () => number;
}

/** The session of an access token that arrived just now. */
export function sessionOf(access: unknown, username: unknown, lifetime: unknown): Session {
  try {
    const base64 = (access as string).split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") as string;
    // React Native has no TextDecoder; `escape` is in every engine, and makes of each byte what decodeURIComponent reads.
    const claims = Object.freeze(JSON.parse(decodeURIComponent(escape(atob(base64))))) as Claims;
    const user = Object.freeze({ id: claims.sub, username: username as string });
    if (typeof claims.sid === "string" && typeof user.username === "string" && Number.isFinite(lifetime)) {
      const wall = Date.now();
      const steady = performance.now();
      // `exp` is never compared with this device's clock, which may be wrong by hours; and of the two clocks the one that
      // saw more time pass counts: one jumps, the other may stop while asleep.
      const left = () => (lifetime as number) - Math.max(Date.now() - wall, performance.now() - steady);
      return { access: access as string, sid: claims.sid, user, claims, lifetime: lifetime as number, left };
    }
  } catch {
    // Not a token of ours.
  }
  throw unexpected(200);
}

/** Whether the person has proved who this is since the last time that `session` knows of, as `other` says. */
export const provedSince = (session: Session, other: Session): boolean =>
  (session.claims.auth_time ?? 0) < (other.claims.auth_time ?? 0);
