// The console as it is shipped, built once for a file of tests, and its pages in a real browser.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import type { Fixture } from "../../console/dev/fixture.ts";
import { launchBrowser } from "./browser.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** What depends on the theme; the rest is asked once. */
export const COLOUR_RULES = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/** How long something may take to appear on a busy machine. */
export const SOON = { timeout: 15_000 };

export interface BuiltConsole {
  readonly browser: Browser;
  /** Of the built console. */
  readonly directory: string;
}

let axe: string;
let built: { browser: Browser | null; directory: string };

/** Builds the console before a file's tests and removes it after them. */
export function useBuiltConsole(): () => BuiltConsole {
  beforeAll(async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-console-"));
    const require = createRequire(path.join(ROOT, "console", "package.json"));
    const vite = path.join(path.dirname(require.resolve("vite/package.json")), "bin", "vite.js");
    // As it is shipped: in this process Vite would see a test environment and build React for development.
    await promisify(execFile)(process.execPath, [vite, "build", "--outDir", directory, "--emptyOutDir"], {
      cwd: path.join(ROOT, "console"),
      env: { ...process.env, NODE_ENV: "production" },
    });
    axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
    built = { browser: await launchBrowser(), directory };
  });
  afterAll(async () => {
    await built.browser?.close();
    await rm(built.directory, { recursive: true, force: true });
  });
  // Where there is no browser, tests that would ask for one are skipped.
  return () => built as BuiltConsole;
}

export interface OpenPage {
  readonly page: Page;
  /** What went wrong in it: script errors, refused resources, broken rules of its policy. */
  readonly problems: string[];
  readonly context: BrowserContext;
}

/** A page of the console. */
export async function openPage(
  browser: Browser,
  fixture: Pick<Fixture, "address">,
  address: string,
  options: { colorScheme?: "light" | "dark"; viewport?: typeof DESKTOP } = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: DESKTOP, locale: "en-US", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON.timeout);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  await page.goto(fixture.address + address);
  await page.getByRole("heading", { level: 1 }).waitFor();
  return { page, problems, context };
}

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What breaks a rule, as `rule: element: why`. */
export async function violationsOf(page: Page, rules: object = { type: "tag", values: TAGS }): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as {
      axe: { run(root: Document, options: object): Promise<{ violations: AxeViolation[] }> };
    };
    return (await axe.run(document, { runOnly: rules })).violations;
  }, rules);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`));
}

/** Serves a page of the real server from the console just built, not the one the checkout may or may not have built. */
export async function serveBuilt(context: BrowserContext, directory: string): Promise<void> {
  await context.route(/^(?!.*\/api\/)/, async (route) => {
    const { pathname } = new URL(route.request().url());
    const isFile = /\.(js|css|svg|html)$/.test(pathname);
    await route.fulfill({ path: path.join(directory, isFile ? pathname.slice(1) : "index.html") });
  });
}
