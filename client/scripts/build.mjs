// Bundles each entry: dist/ for npm, and single files without relative imports for Django's static files, committed.
// --check: compare instead of writing, so that what is committed is what its source says.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { bundle, ENTRIES, root } from "./entries.mjs";

const STATIC = `${root}../src/django_ironclad/static/django_ironclad/ironclad`;
const BANNER = { js: "// django-ironclad, MIT licence. Built from client/src by `npm run build`: do not edit." };
// The core under its own name, for what is set up in config(): `ironclad.localStore()`.
const ANGULARJS = 'import { ironclad } from "./angularjs.js"; ironclad(angular); export * from "./index.js";';

const dist = ENTRIES.map(async ({ name }) => [
  `${root}dist/${name}.js`,
  // Relative imports stay, so that an application has the core once.
  await bundle(name, { external: ["./index.js"] }),
]);
const committed = ENTRIES.filter(({ single }) => single).map(async ({ name, single }) => [
  `${STATIC}${single}`,
  name === "angularjs"
    ? await bundle(null, {
        stdin: { contents: ANGULARJS, resolveDir: `${root}src`, loader: "ts" },
        format: "iife",
        globalName: "ironclad",
        minify: true,
        banner: BANNER,
      })
    : await bundle(name, { minify: true, banner: BANNER }),
]);

if (process.argv.includes("--check")) {
  for (const [path, contents] of await Promise.all(committed)) {
    if ((await readFile(path, "utf8").catch(() => "")) === contents.text) continue;
    console.error(`${path} differs from client/src. Run \`npm run build\` in client/ and commit what it writes.`);
    process.exitCode = 1;
  }
} else {
  for (const [path, { contents }] of await Promise.all([...dist, ...committed])) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
}
