/** What the pages show of the client, in blocks of js, jsx and ts, is what the compiler knows of it. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const PAGES = ["../docs/client.md", "../docs/channels.md", "README.md"];
/** What a block takes for granted; each of them is a file of its own otherwise. */
const GIVEN = `
import type { Auth } from "django-ironclad";
declare global {
  const auth: Auth;
  const createAuth: typeof import("django-ironclad").createAuth;
  const username: string, password: string, oldPassword: string, newPassword: string, id: string;
  const form: HTMLFormElement;
  const render: (state: Auth["state"]) => void;
  const askForPassword: () => Promise<string>;
  const bootstrapApplication: typeof import("@angular/platform-browser").bootstrapApplication;
  const provideHttpClient: typeof import("@angular/common/http").provideHttpClient;
  const withInterceptors: typeof import("@angular/common/http").withInterceptors;
  const createApp: typeof import("vue").createApp;
  const defineConfig: typeof import("vite").defineConfig;
  const App: never;
}
`;
const CONFIG = {
  extends: resolve("tsconfig.examples.json"),
  compilerOptions: {
    // They are JavaScript, most of them.
    noImplicitAny: false,
    noImplicitThis: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    jsx: "react-jsx",
    typeRoots: [resolve("node_modules/@types")],
    types: ["angular"],
    allowUmdGlobalAccess: true,
    rootDir: "/",
  },
  include: ["*"],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ironclad-docs-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the compiler says of these blocks, by page and number. */
async function complaints(blocks: Record<string, string>): Promise<string> {
  const files = { "given.d.ts": GIVEN, "tsconfig.json": JSON.stringify(CONFIG), ...blocks };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const command = promisify(execFile)(resolve("node_modules/.bin/tsc"), ["--project", folder]);
  return command.then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
}

test("every block compiles, and a method that is not there is noticed", async () => {
  const blocks: Record<string, string> = {};
  for (const page of PAGES) {
    const shown = (await readFile(page, "utf8")).matchAll(/^```(?:jsx?|ts)\n(.*?)^```$/gms);
    for (const [number, [, block]] of [...shown].entries()) {
      blocks[`${page.replaceAll(/\W/g, "")}${number}.tsx`] = `${block}\nexport {};\n`;
    }
  }
  expect(Object.keys(blocks).length).toBeGreaterThan(10);
  expect(await complaints(blocks)).toBe("");
  expect(await complaints({ "wrong.tsx": "await auth.logOff();\nexport {};\n" })).toContain("'logOff' does not exist");
}, 120_000);
