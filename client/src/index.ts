/** `import { createAuth } from "django-ironclad"`. */

export type { Auth } from "./auth.js";
export { createAuth } from "./auth.js";
export type { Call } from "./calls.js";
export type { AuthErrorCode } from "./errors.js";
export { AuthError } from "./errors.js";
export type { AuthOptions } from "./here.js";
export type { Json } from "./http.js";
export type { Answer } from "./refusal.js";
export type { TokenOptions } from "./renewal.js";
export type { Claims, User } from "./session.js";
export type { AuthEvents, Reason, State } from "./state.js";
export type { Store } from "./store.js";
export { localStore, memoryStore, sessionStore } from "./store.js";
