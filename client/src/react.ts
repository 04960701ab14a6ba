/** `import { useAuth } from "django-ironclad/react"`: who is signed in, as a hook. */

import { useSyncExternalStore } from "react";
import type { Auth } from "./auth.js";
import { type State, UNKNOWN } from "./state.js";

/** The client's state. A server renders the unknown one, and so does the page that takes over from it, at first. */
export const useAuth = (auth: Auth): State =>
  useSyncExternalStore(
    auth.subscribe,
    () => auth.state,
    () => UNKNOWN,
  );
