import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/**/*.test.ts"], unstubGlobals: true, testTimeout: 30_000 } });
