import { defineConfig } from "vite";

// Django beside it, on the same origin as far as the browser knows.
const django = "http://127.0.0.1:8000";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "vue" } },
  server: { proxy: { "/auth": django, "/profile": django } },
});
