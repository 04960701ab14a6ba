import { createAuth } from "django-ironclad";
import { wire } from "./wire.js"; // fetch, watched, and broken on request

export const auth = createAuth({ refreshBefore: 10, fetch: wire });

export const signIn = (form) => auth.login(Object.fromEntries(new FormData(form)));
export const signOut = () => auth.logout();
export const call = (path, options) => auth.fetch(path, options);

export function follow(show) {
  auth.subscribe(() => show(auth.state));
  auth.ready.then(show);
}
