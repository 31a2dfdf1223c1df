import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

const { projects: _, ...test } = base.test!;

export default defineConfig({
  ...base,
  test: {
    ...test,
    include: ["{core,server,edge}/src/**/*.slow.test.ts", "test/**/*.slow.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 30 * 60_000,
    hookTimeout: 120_000,
  },
});
