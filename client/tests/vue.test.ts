// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { createApp, h, isReadonly, nextTick } from "vue";
import { createAuth } from "../src/index.js";
import { ironclad, useAuth } from "../src/vue.js";
import { testExample } from "./page.js";

testExample("vue", async (example, element) => {
  const [{ App }, { auth }] = await Promise.all([import(`${example}/App.tsx`), import(`${example}/auth.ts`)]);
  const plugin = await import("../src/vue.js");
  const app = createApp(App).use(plugin.ironclad(auth));
  app.mount(element);
  return () => {
    app.unmount();
    auth.dispose();
  };
});

test("the state is read-only, and an app that is unmounted leaves no listener behind", async () => {
  localStorage.clear();
  vi.stubGlobal("fetch", async () => Response.json({ error: "invalid_grant" }, { status: 400 }));
  const auth = createAuth();
  const off = vi.fn();
  const app = createApp({
    setup() {
      const { state } = useAuth();
      expect(isReadonly(state)).toBe(true);
      return () => h("p", state.value.status);
    },
  });
  const element = document.createElement("div");
  app.use(ironclad(Object.assign(Object.create(auth), { subscribe: () => off }))).mount(element);
  expect(element.textContent).toBe("unknown");
  await auth.ready;
  await nextTick();
  expect(element.textContent).toBe("signed-out");
  expect(off).not.toHaveBeenCalled();
  app.unmount();
  expect(off).toHaveBeenCalledOnce();
});

test("without the plugin useAuth says what is missing", () => {
  const app = createApp({ setup: () => useAuth() });
  app.config.warnHandler = () => {};
  expect(() => app.mount(document.createElement("div"))).toThrow("app.use(ironclad(auth))");
});
