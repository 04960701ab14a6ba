/** `import { ironclad, useAuth } from "django-ironclad/vue"`: the client and who is signed in, for every component. */

import { type InjectionKey, inject, type Plugin, type ShallowRef, shallowReadonly, shallowRef } from "vue";
import type { Auth } from "./auth.js";
import { type State, UNKNOWN } from "./state.js";

export interface UsedAuth {
  readonly auth: Auth;
  readonly state: Readonly<ShallowRef<State>>;
}

const KEY: InjectionKey<UsedAuth> = Symbol("ironclad");

/** `app.use(ironclad(auth))`. A server renders the unknown state, and so does the page that takes over from it, at first. */
export const ironclad = (auth: Auth): Plugin => ({
  install(app) {
    const state = shallowRef(UNKNOWN);
    app.provide(KEY, { auth, state: shallowReadonly(state) });
    // An app on a server is never unmounted: it would be held for ever.
    if (typeof document !== "object") return;
    const update = () => {
      state.value = auth.state;
    };
    app.onUnmount(auth.subscribe(update));
    void auth.ready.then(update);
  },
});

export function useAuth(): UsedAuth {
  const used = inject(KEY);
  if (!used) throw new Error("app.use(ironclad(auth)) is missing");
  return used;
}
