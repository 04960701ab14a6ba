// The entries of the package, what each may weigh, and how they are bundled.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** `budget`: bytes, minified and gzipped, without the core or a framework; `single`: how the committed file's name ends. */
export const ENTRIES = [
  { name: "index", budget: 5400, single: ".js" },
  { name: "sessions", budget: 500, single: "-sessions.js" },
  { name: "axios", budget: 450, single: "-axios.js" },
  { name: "angularjs", budget: 850, single: "-angularjs.js" },
  { name: "angular", budget: 750 },
  { name: "react", budget: 300, single: "-react.js" },
  { name: "vue", budget: 350, single: "-vue.js" },
];

const PEERS = ["@angular/*", "react", "rxjs", "vue"];

export async function bundle(name, { external = [], ...options } = {}) {
  const { outputFiles } = await build({
    ...(name ? { entryPoints: [`${root}src/${name}.ts`] } : {}),
    bundle: true,
    format: "esm",
    target: "es2022",
    external: [...PEERS, ...external],
    // No sourceMappingURL: Django's ManifestStaticFilesStorage fails on one whose file is not there.
    sourcemap: false,
    legalComments: "none",
    // What the rooms of one client share (`Here`) is nobody else's: whole words in the source, one letter in a bundle.
    mangleProps: /^_[a-z]/,
    write: false,
    logLevel: "warning",
    ...options,
  });
  return outputFiles[0];
}
