// @vitest-environment jsdom
import { act, createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { expect, test, vi } from "vitest";
import { createAuth } from "../src/index.js";
import { useAuth } from "../src/react.js";
import { testExample } from "./page.js";

testExample("react", async (example, element) => {
  const [{ App }, { auth }] = await Promise.all([import(`${example}/App.tsx`), import(`${example}/auth.ts`)]);
  const root = createRoot(element);
  root.render(createElement(StrictMode, null, createElement(App)));
  await vi.waitFor(() => expect(element.textContent).not.toBe(""));
  return () => {
    root.unmount();
    auth.dispose();
  };
});

test("a component that is taken away leaves no listener behind, StrictMode or not", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  localStorage.clear();
  vi.stubGlobal("fetch", async () => Response.json({ error: "invalid_grant" }, { status: 400 }));
  const auth = createAuth();
  let listeners = 0;
  const counted = Object.assign(Object.create(auth), {
    subscribe(listener: () => void) {
      listeners++;
      const off = auth.subscribe(listener);
      return () => {
        listeners--;
        off();
      };
    },
  });
  const Status = () => useAuth(counted).status;
  const element = document.createElement("p");
  const root = createRoot(element);
  await act(() => root.render(createElement(StrictMode, null, createElement(Status))));
  expect([listeners, element.textContent]).toEqual([1, "unknown"]);
  await act(() => auth.ready);
  expect([listeners, element.textContent]).toEqual([1, "signed-out"]);
  await act(() => root.unmount());
  expect(listeners).toBe(0);
});
