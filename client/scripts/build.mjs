// Bundles each entry into one file without imports: dist/ for npm, and the core for Django's static files, committed.
// --check: compare instead of writing, so that what is committed is what its source says.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const STATIC = `${root}../src/django_ironclad/static/django_ironclad/ironclad.js`;
const BANNER = "// django-ironclad, MIT licence. Built from client/src by `npm run build`: do not edit.";

const bundle = async (entry, outfile, options = {}) => {
  const result = await build({
    entryPoints: [`${root}src/${entry}.ts`],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2022",
    // No sourceMappingURL: Django's ManifestStaticFilesStorage fails on one whose file is not there.
    sourcemap: false,
    legalComments: "none",
    write: false,
    logLevel: "warning",
    ...options,
  });
  return result.outputFiles[0];
};

const files = [
  await bundle("index", `${root}dist/index.js`),
  await bundle("sessions", `${root}dist/sessions.js`),
  await bundle("index", STATIC, { minify: true, banner: { js: BANNER } }),
];

if (process.argv.includes("--check")) {
  const committed = await readFile(STATIC, "utf8").catch(() => "");
  if (committed !== files[2].text) {
    console.error(
      "The committed build differs from client/src. Run `npm run build` in client/ and commit what it writes.",
    );
    process.exit(1);
  }
} else {
  const { mkdir, writeFile } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  for (const { path, contents } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
}
