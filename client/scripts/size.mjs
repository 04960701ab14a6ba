// What each entry weighs on the wire, minified and gzipped, beside its budget; fails past it.

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGETS = { index: 5000, sessions: 500 };
const source = fileURLToPath(new URL("../src/", import.meta.url));

for (const [entry, budget] of Object.entries(BUDGETS)) {
  const { outputFiles } = await build({
    entryPoints: [`${source}${entry}.ts`],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  console.log(`${entry.padEnd(10)} ${String(size).padStart(6)} of ${budget} bytes`);
  if (size > budget) process.exitCode = 1;
}
