import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["source", "node", "import", "default"], externalConditions: ["source"] } },
  resolve: { conditions: ["source", "node", "import", "default"] },
  test: {
    include: ["{core,server,edge,console}/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.slow.test.ts"],
    pool: "forks",
    // Many files wait for processes they started rather than compute: two at once use a machine of two cores better than one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    execArgv: ["--conditions=source"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
