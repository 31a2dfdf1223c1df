// A real Chromium for tests: the one inside the npm package where it runs (Linux x64), elsewhere an installed Chrome.
// Where neither starts, tests that need one are skipped and say why; in CI that is a failure.
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import chromium, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";
import { test } from "vitest";

/** Whether this machine is one the package's own browser runs on. */
const HAS_OWN = process.platform === "linux" && process.arch === "x64";

/** Why no browser can be had here; null where one can. */
const missing = await reasonForNone();

/** As vitest's `test`, skipped where there is no browser. */
export const browserTest = test.skipIf(missing !== null);

/** Starts the browser; null where there is none, and every `browserTest` is skipped. */
export async function launchBrowser(): Promise<Browser | null> {
  return missing === null ? await launch() : null;
}

async function launch(): Promise<Browser> {
  const args = ["--no-sandbox"];
  if (!HAS_OWN) return await playwright.launch({ channel: "chrome", args });
  const executablePath = await chromium.executablePath();
  try {
    return await playwright.launch({ executablePath, args });
  } catch {
    // A bare machine lacks the libraries every desktop has (NSS, Expat); the package brings them too.
    const bundle = path.resolve(
      createRequire(import.meta.url).resolve("@sparticuz/chromium"),
      "../../../bin/al2023.tar.br",
    );
    await inflate(bundle);
    const libraries = path.join(os.tmpdir(), "al2023", "lib");
    return await playwright.launch({ executablePath, args, env: { ...process.env, LD_LIBRARY_PATH: libraries } });
  }
}

async function reasonForNone(): Promise<string | null> {
  try {
    await (await launch()).close();
    return null;
  } catch (error) {
    if (process.env["CI"] !== undefined) throw error;
    const reason = `no browser starts here (${(error as Error).message.split("\n")[0]}); its tests are skipped`;
    process.stderr.write(`${reason}\n`);
    return reason;
  }
}
