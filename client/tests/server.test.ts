/** The adapters on a server: programs in processes of their own, in plain Node. */

import { spawnSync } from "node:child_process";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** What the program writes; throws if it fails, or does not end by itself. */
async function rendered(program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: "." },
    bundle: true,
    packages: "external",
    format: "esm",
    write: false,
  });
  const input = outputFiles[0]?.text as string;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module"], {
    input,
    encoding: "utf8",
    timeout: 20_000,
  });
  if (status !== 0) throw new Error(`It ended with ${status}: ${stderr}`);
  return stdout;
}

test("React: on a server the unknown state is rendered, and the process exits by itself", async () => {
  const page = await rendered(`
    import { createElement } from "react";
    import { renderToString } from "react-dom/server";
    import { createAuth } from "./src/index.ts";
    import { useAuth } from "./src/react.ts";
    const auth = createAuth({ baseURL: "https://campus.example/auth/" });
    const Status = () => createElement("p", null, useAuth(auth).status);
    console.log(renderToString(createElement(Status)));
  `);
  expect(page).toBe("<p>unknown</p>\n");
});

test("Vue: on a server the unknown state is rendered, and the process exits by itself", async () => {
  const page = await rendered(`
    import { createSSRApp, h } from "vue";
    import { renderToString } from "vue/server-renderer";
    import { createAuth } from "./src/index.ts";
    import { ironclad, useAuth } from "./src/vue.ts";
    const auth = createAuth({ baseURL: "https://campus.example/auth/" });
    const app = createSSRApp({ setup: () => { const { state } = useAuth(); return () => h("p", state.value.status); } });
    renderToString(app.use(ironclad(auth))).then(console.log);
  `);
  expect(page).toBe("<p>unknown</p>\n");
});
