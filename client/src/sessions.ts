/** `import { createSessions } from "django-ironclad/sessions"`: my devices, and my password. */

import type { Auth } from "./auth.js";

export interface Sessions {
  /** Where this user is signed in, as the server tells it. */
  list(): Promise<Device[]>;
  /** Ends one of them; this one by logging out. */
  revoke(id: string): Promise<void>;
  /** Ends all but this one. */
  revokeOthers(): Promise<void>;
  /** Ends every other session too. An AuthError tells what is wrong with either password. */
  changePassword(passwords: { oldPassword: string; newPassword: string }): Promise<void>;
}

export interface Device {
  readonly id: string;
  readonly device: string;
  readonly ip_address: string | null;
  readonly created_at: string;
  readonly last_used_at: string;
  /** This one. */
  readonly current: boolean;
}

export function createSessions(auth: Auth): Sessions {
  return {
    async list() {
      return (await auth.request("GET", "sessions/")).sessions as Device[];
    },
    async revoke(id) {
      // Not encoded but refused: ".." means the folder above however it is encoded.
      if (!/^[\w-]+$/.test(id)) throw new TypeError("This is no session id.");
      if (id === auth.state.claims?.sid) await auth.logout();
      else await auth.request("DELETE", `sessions/${id}/`);
    },
    async revokeOthers() {
      await auth.logout({ scope: "others" });
    },
    async changePassword({ oldPassword, newPassword }) {
      await auth.changePassword({ old_password: oldPassword, new_password: newPassword });
    },
  };
}
