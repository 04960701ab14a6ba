/** `import { createAuth } from "django-ironclad"`. */

export type { Auth, AuthOptions, Call, TokenOptions } from "./auth.js";
export { createAuth } from "./auth.js";
export type { AuthErrorCode } from "./errors.js";
export { AuthError } from "./errors.js";
export type { Json } from "./http.js";
export type { Answer } from "./refusal.js";
export type { Claims, User } from "./session.js";
export type { AuthEvents, Reason, State } from "./state.js";
export type { Store } from "./store.js";
export { localStore, memoryStore, sessionStore } from "./store.js";
