// A real Chromium for tests: the one inside the npm package where it runs (Linux x64), elsewhere an installed Chrome.
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/** Whether this machine is one the package's own browser runs on; elsewhere an installed Chrome is tried. */
const HAS_OWN = process.platform === "linux" && process.arch === "x64";

/**
 * Starts the browser.
 * @throws Error where there is none, saying how to get one
 */
export async function launchBrowser(): Promise<Browser> {
  const args = ["--no-sandbox"];
  if (HAS_OWN) return await playwright.launch({ executablePath: await chromium.executablePath(), args });
  return await playwright.launch({ channel: "chrome", args });
}
