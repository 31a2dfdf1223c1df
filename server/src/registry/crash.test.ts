import { test } from "vitest";
import { killAndLook } from "../../../test/support/registry-crashes.ts";

test("whatever moment the process is killed at, what it said was done is there", () => killAndLook(6), 60_000);
