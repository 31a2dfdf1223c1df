import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import { commandsDocument, exitCodesDocument } from "./document.ts";

const file = path.resolve(import.meta.dirname, "../../../docs/cli.md");

/** The document with the part between two markers replaced. */
function withPart(document: string, name: string, content: string): string {
  const begin = `<!-- begin: ${name} -->\n`;
  const end = `<!-- end: ${name} -->`;
  expect(document.split(begin)).toHaveLength(2);
  expect(document.split(end)).toHaveLength(2);
  const [before] = document.split(begin);
  return `${before}${begin}\n${content}\n\n${document.slice(document.indexOf(end))}`;
}

test("docs/cli.md holds the help and the exit codes as they are (update with vitest -u)", async () => {
  const document = readFileSync(file, "utf8");
  const withCodes = withPart(document, "exit codes", exitCodesDocument());
  await expect(withPart(withCodes, "commands", await commandsDocument())).toMatchFileSnapshot(file);
});

test("every command shows an example that is a call of it", async () => {
  for (const { name, load } of COMMANDS) {
    const { examples } = await load();
    expect(examples.length, name).toBeGreaterThan(0);
    for (const { line } of examples) expect(line).toMatch(new RegExp(`(^|\\s)slipway ${name}( |$)`));
  }
});
