import { test } from "vitest";
import { killAndLook } from "../../../test/support/registry-crashes.ts";

test("300 times", () => killAndLook(300));
