// The documentation cannot lie: pages made from tables equal them, links lead somewhere, commands exist.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { generatedPages } from "../tools/generated-pages.ts";

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

describe("pages made from the code are up to date (npm run docs)", () => {
  test.each([...generatedPages()])("%s", (file, text) => expect(read(file)).toBe(text));
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
