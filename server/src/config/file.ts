// `slipway.yaml` as entries of settings, each with its line, so that a message can point at what to fix.
import path from "node:path";
import { isMap, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";
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

/** One slip of syntax makes many errors; the first tell what is wrong. */
const MAX_SYNTAX_ERRORS = 5;

/** Reads a configuration file's text. Values are not checked yet, only that the keys are settings. */
export function readConfigFile(file: { readonly path: string; readonly text: string }): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const name = path.basename(file.path);
  const at = (offset: number | undefined) =>
    offset === undefined ? name : `${name} line ${lines.linePos(offset).line}`;
  const entries: FileEntry[] = [];
  const problems = document.errors.slice(0, MAX_SYNTAX_ERRORS).map((error) => `${at(error.pos[0])}: ${error.message}.`);
  if (problems.length > 0 || document.contents === null) return { entries, problems };

  const settings = new Map(describeSettings().map((setting) => [setting.key, setting]));
  const groups = new Set(describeSettings().flatMap(({ path: names }) => prefixes(names)));
  const read = (node: unknown, prefix: string) => {
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
      if (setting && hasAlias(valueNode))
        problems.push(`${source}: ${key} uses an alias (*name); write its value out.`);
      else if (setting) entries.push({ setting, data: dataOf(valueNode, document), source });
      else if (groups.has(key)) read(valueNode, key);
      else problems.push(`${source}: "${key}" is no setting${suggestion(key, [...settings.keys(), ...groups])}`);
    }
  };
  read(document.contents, "");
  return { entries, problems };
}

function dataOf(node: unknown, document: ReturnType<typeof parseDocument>): unknown {
  return node === null || node === undefined ? null : (node as Node).toJS(document);
}

/** Aliases may stand for nothing, for what they are part of, or for more than fits the memory; no setting needs one. */
function hasAlias(node: unknown): boolean {
  let isThere = false;
  visit(node as Node, {
    Alias: () => {
      isThere = true;
      return visit.BREAK;
    },
  });
  return isThere;
}

/** `["runtime", "maxBatchRows"]` → `["runtime"]` */
function prefixes(names: readonly string[]): string[] {
  return names.slice(0, -1).map((_, index) => names.slice(0, index + 1).join("."));
}
