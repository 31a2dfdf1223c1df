import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const conditions = ["source", "node", "import", "default"];
const SLOW = ["**/node_modules/**", "**/dist/**", "**/*.slow.test.ts"];
/**
 * Tests beside what they test, and of what is computed: they leave nothing in their modules that another would see. So they share
 * workers, whose start would cost more than they do.
 */
const PARTS = ["{core,edge,console,server}/src/**/*.test.ts", "test/{autodiff,passes,build}/**/*.test.ts"];
/** What a process does once, and with whole servers. */
const WHOLE = ["server/src/runtime/**/*.test.ts", "test/*.test.ts", "test/!(autodiff|passes|build)/**/*.test.ts"];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: ["source"] } },
  resolve: { conditions },
  test: {
    pool: "forks",
    // Many files wait for processes they started rather than compute: three at once use a machine of two cores better than one.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    execArgv: ["--conditions=source"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "parts", include: PARTS, exclude: [...SLOW, ...WHOLE], isolate: false } },
      { extends: true, test: { name: "whole", include: WHOLE, exclude: SLOW } },
    ],
  },
});
