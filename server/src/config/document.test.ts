import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { describeSettings, settingsDocument } from "#config";

const file = path.resolve(import.meta.dirname, "../../../docs/configuration.md");

test("docs/configuration.md holds the table of settings as it is (update with vitest -u)", async () => {
  const document = readFileSync(file, "utf8");
  const begin = document.indexOf("<!-- begin: settings -->\n") + "<!-- begin: settings -->\n".length;
  const end = document.indexOf("<!-- end: settings -->");
  expect(begin).toBeGreaterThan(30);
  expect(end).toBeGreaterThanOrEqual(begin);
  await expect(`${document.slice(0, begin)}\n${settingsDocument()}\n\n${document.slice(end)}`).toMatchFileSnapshot(
    file,
  );
});

test("the document names no setting that is gone", () => {
  const document = readFileSync(file, "utf8");
  const settings = describeSettings();
  const documented = [...document.matchAll(/^\| `([\w.]+)` \|/gm)].map((match) => match[1]);
  expect(documented).toEqual(settings.map((setting) => setting.key));
  const flags = new Set([...settings.map((setting) => setting.flag), "--config"]);
  for (const [flag] of document.matchAll(/--[a-z][a-z-]+/g)) expect(flags).toContain(flag);
  const variables = new Set([...settings.map((setting) => setting.environment), "SLIPWAY_CONFIG"]);
  for (const [variable] of document.matchAll(/SLIPWAY_[A-Z_]+/g)) expect(variables).toContain(variable);
});
