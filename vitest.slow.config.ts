import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    projects: [],
    include: ["{core,server,edge}/src/**/*.slow.test.ts", "test/**/*.slow.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 30 * 60_000,
    hookTimeout: 120_000,
  },
});
