/** The state before anything is known: in a page at first, on a server always. */

import type { State } from "./auth.js";

export const UNKNOWN: State = Object.freeze({
  status: "unknown",
  user: null,
  claims: null,
  refreshing: false,
  degraded: false,
  reason: "",
});
