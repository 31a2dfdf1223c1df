// The documentation cannot lie: pages made from tables equal them, links lead somewhere, commands exist.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../server/src/cli/commands.ts";
import { describeSettings } from "../server/src/config/index.ts";
import { generatedPages } from "../tools/generated-parts.ts";

const root = path.resolve(import.meta.dirname, "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "STYLE.md",
  "CHANGELOG.md",
  ...readdirSync(path.join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

describe("parts made from the code are up to date (npm run docs)", async () => {
  test.each([...(await generatedPages(read))])("%s", (page, text) => expect(read(page)).toBe(text));
});

test("docs/configuration.md names no flag or variable that is gone", () => {
  const page = read("docs/configuration.md");
  const settings = describeSettings();
  const flags = new Set([...settings.map((setting) => setting.flag), "--config"]);
  for (const [flag] of page.matchAll(/--[a-z][a-z-]+/g)) expect(flags).toContain(flag);
  const variables = new Set([...settings.map((setting) => setting.environment), "SLIPWAY_CONFIG"]);
  for (const [variable] of page.matchAll(/SLIPWAY_[A-Z_]+/g)) expect(variables).toContain(variable);
});

test.each(COMMANDS)("the help of $name shows examples that are calls of it", async ({ name, load }) => {
  const { examples } = await load();
  expect(examples.length).toBeGreaterThan(0);
  for (const { line } of examples) expect(line).toMatch(new RegExp(`(^|\\s)slipway ${name}( |$)`));
});

test.each(pages)("links of %s lead somewhere", (page) => {
  const broken = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
    .map((match) => match[1]!)
    .filter((link) => !existsSync(path.join(root, path.dirname(page), link)));
  expect(broken).toEqual([]);
});

test.each(pages)("npm scripts that %s names exist", (page) => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = [...read(page).matchAll(/npm run ([a-z][a-z:-]*)/g)].map((match) => match[1]!);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
