// What each entry weighs on the wire, minified and gzipped, beside its budget; fails past it.

import { gzipSync } from "node:zlib";
import { bundle, ENTRIES } from "./entries.mjs";

for (const { name, budget } of ENTRIES) {
  const { contents } = await bundle(name, { minify: true, external: ["./index.js"] });
  const size = gzipSync(contents, { level: 9 }).length;
  console.log(`${name.padEnd(10)} ${String(size).padStart(6)} of ${budget} bytes`);
  if (size > budget) process.exitCode = 1;
}
