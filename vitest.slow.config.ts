import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

const slow = mergeConfig(base, defineConfig({ test: { testTimeout: 30 * 60_000, hookTimeout: 120_000 } }));
slow.test = {
  ...slow.test,
  include: ["{core,server,edge}/src/**/*.slow.test.ts", "test/**/*.slow.test.ts"],
  exclude: ["**/node_modules/**"],
};
export default slow;
