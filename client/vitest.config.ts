import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = fileURLToPath(new URL(".", import.meta.url));
const OURS = /^django-ironclad(?:\/(\w+))?$/;

export default defineConfig({
  test: { include: ["tests/**/*.test.ts"], unstubGlobals: true, testTimeout: 30_000 },
  oxc: { jsx: { runtime: "automatic" } },
  server: { fs: { allow: [".."] } },
  plugins: [
    {
      // The examples are installed nowhere: they run on this package's sources, and on what it has in node_modules.
      name: "examples",
      enforce: "pre",
      resolveId(source, importer) {
        if (!importer?.includes("/examples/") || source.startsWith(".")) return;
        const ours = OURS.exec(source);
        return this.resolve(ours ? `./src/${ours[1] ?? "index"}.ts` : source, `${here}vitest.config.ts`);
      },
    },
  ],
});
