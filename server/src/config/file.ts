// `slipway.yaml` as entries of settings, each with its line, so that a message can point at what to fix.
import path from "node:path";
import { isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { describeSettings, type SettingKey } from "./keys.ts";
import { suggestion } from "./suggest.ts";

export interface FileEntry {
  readonly setting: SettingKey;
  readonly data: unknown;
  /** `slipway.yaml line 3` */
  readonly source: string;
}

export interface ConfigFile {
  readonly entries: readonly FileEntry[];
  /** What can't be read or is unknown, for people. */
  readonly problems: readonly string[];
}

/** The name looked for where no file is named. */
export const CONFIG_FILE = "slipway.yaml";

/** Reads a configuration file's text. Values are not checked yet, only that the keys are settings. */
export function readConfigFile(file: { readonly path: string; readonly text: string }): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const name = path.basename(file.path);
  const at = (offset: number | undefined) =>
    offset === undefined ? name : `${name} line ${lines.linePos(offset).line}`;
  const entries: FileEntry[] = [];
  const problems = document.errors.map((error) => `${at(error.pos[0])}: ${error.message}.`);
  if (problems.length > 0 || document.contents === null) return { entries, problems };

  const settings = new Map(describeSettings().map((setting) => [setting.key, setting]));
  const groups = new Set(describeSettings().flatMap(({ path: names }) => prefixes(names)));
  const visit = (node: unknown, prefix: string) => {
    if (!isMap(node)) {
      const where = prefix === "" ? "The file" : prefix;
      // An empty group, as one is left with when every line under it is commented out, sets nothing.
      if (isScalar(node) && node.value === null) return;
      problems.push(`${at((node as Node).range?.[0])}: ${where} must hold keys and values.`);
      return;
    }
    for (const { key: keyNode, value: valueNode } of node.items) {
      const own = isScalar(keyNode) ? String(keyNode.value) : String(keyNode);
      const key = prefix === "" ? own : `${prefix}.${own}`;
      const source = at((keyNode as Node).range?.[0]);
      const setting = settings.get(key);
      if (setting) entries.push({ setting, data: dataOf(valueNode, document), source });
      else if (groups.has(key)) visit(valueNode, key);
      else problems.push(`${source}: "${key}" is no setting${suggestion(key, [...settings.keys(), ...groups])}`);
    }
  };
  visit(document.contents, "");
  return { entries, problems };
}

function dataOf(node: unknown, document: ReturnType<typeof parseDocument>): unknown {
  return node === null || node === undefined ? null : (node as Node).toJS(document, { maxAliasCount: 100 });
}

/** `["runtime", "maxBatchRows"]` → `["runtime"]` */
function prefixes(names: readonly string[]): string[] {
  return names.slice(0, -1).map((_, index) => names.slice(0, index + 1).join("."));
}
