/** `import { createAuth } from "django-ironclad"`. */

export type { Answer, Auth, AuthEvents, AuthOptions, Call, Reason, State, TokenOptions } from "./auth.js";
export { createAuth } from "./auth.js";
export type { AuthErrorCode } from "./errors.js";
export { AuthError } from "./errors.js";
export type { Json } from "./http.js";
export type { Claims, User } from "./session.js";
export type { Store } from "./store.js";
export { localStore, memoryStore, sessionStore } from "./store.js";
