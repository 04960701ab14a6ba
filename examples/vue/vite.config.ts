import { defineConfig } from "vite";

// Django beside it, on the same origin as far as the browser knows: so Django has to see the same host. Vite's short form,
// `"/auth": django`, would put Django's own in its place.
const django = { target: "http://127.0.0.1:8000", changeOrigin: false };

export default defineConfig({
  // What @vitejs/plugin-vue would set; without it, Vue warns in the console.
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "vue" } },
  server: { proxy: { "/auth": django, "/profile": django } },
});
