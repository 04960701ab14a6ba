import { createAuth } from "django-ironclad";

/** One for the page, outside of every component. */
export const auth = createAuth({ baseURL: "/auth/" });
