/** A logout that the server has not heard of: it is told when it can be. */

import { type Here, postToken } from "./here.js";
import { keepUnheard, unheard } from "./kept.js";

/** Whether the server has heard of every logout by now. */
export const tellServer = async (here: Here): Promise<boolean> =>
  !unheard(here) || here.exclusively(() => tellNow(here));

async function tellNow(here: Here): Promise<boolean> {
  // Once more, now that it is our turn: another tab has told it, or a login has put another session in the cookie.
  const token = unheard(here);
  if (!token || here._disposed) return !token;
  if (!here._byCookie || !here._session) {
    try {
      await postToken(here, "logout/", token, { keepalive: true });
    } catch {
      return false;
    }
  }
  if (unheard(here) === token) keepUnheard(here, "");
  return true;
}
