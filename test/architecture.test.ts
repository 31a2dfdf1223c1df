// The house's rules, checked: who may import whom, which file owns a heavy package, what core may not touch, and that
// ARCHITECTURE.md shows the table that is enforced here.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");

/** Folder → folders of the same package it may import. Everyone may import core's `base`; server folders, all of core. */
const CORE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  stats: [],
  tensor: [],
  graph: ["tensor"],
  onnx: ["graph", "tensor"],
  cost: ["graph", "tensor"],
  passes: ["graph", "tensor"],
  autodiff: ["graph", "passes", "tensor"],
  build: ["graph", "stats", "tensor"],
  picture: ["graph", "passes", "tensor"],
  processing: ["graph", "tensor"],
  backend: ["graph", "tensor"],
  wire: ["tensor"],
};
const SERVER: Readonly<Record<string, readonly string[]>> = {
  config: [],
  runtime: ["config"],
  store: [],
  load: [],
  registry: ["store"],
  backup: ["registry", "store"],
  jobs: ["runtime", "store"],
  "lab/dataset": ["registry", "runtime"],
  "lab/encoding": ["lab/dataset"],
  "lab/augment": [],
  "lab/inspection": ["lab/dataset"],
  "lab/measure": ["config", "jobs", "lab/dataset", "load", "registry", "runtime"],
  "lab/passes": ["runtime"],
  "lab/gradient": ["lab/passes", "runtime"],
  "lab/train": ["lab/augment", "lab/dataset", "lab/encoding", "lab/passes", "registry", "runtime"],
  "lab/tune": ["config", "load", "runtime"],
  "lab/plan": ["jobs", "lab/tune", "load", "registry"],
  serve: ["runtime"],
  monitor: ["serve", "store"],
  report: ["lab/inspection", "registry", "runtime"],
  launch: ["config", "lab/measure", "registry", "runtime", "serve", "store"],
  fronts: ["api", "config", "launch", "monitor", "runtime", "serve"],
  api: [
    "backup",
    "config",
    "jobs",
    "lab/dataset",
    "lab/inspection",
    "lab/measure",
    "lab/plan",
    "lab/train",
    "launch",
    "monitor",
    "registry",
    "report",
    "runtime",
    "serve",
    "store",
  ],
  cli: [
    "api",
    "backup",
    "config",
    "lab/dataset",
    "lab/gradient",
    "lab/inspection",
    "lab/measure",
    "lab/passes",
    "lab/plan",
    "lab/train",
    "lab/tune",
    "launch",
    "load",
    "monitor",
    "registry",
    "report",
    "runtime",
    "serve",
    "store",
  ],
};
/** Folders that are no chapters themselves: each folder inside is one. */
const SHELVES = new Set(["lab"]);
/** Each heavy package is imported by exactly one file; sharp by two, of which one decodes what strangers send. */
const OWNERS: Readonly<Record<string, string | readonly string[]>> = {
  "onnxruntime-node": "server/src/runtime/onnxruntime.ts",
  "node:sqlite": "server/src/store/database.ts",
  "@duckdb/node-api": "server/src/lab/dataset/tables.ts",
  sharp: ["server/src/report/draw/rasterize.ts", "server/src/runtime/images/preparer-main.ts"],
  vega: "server/src/report/draw/draw.ts",
  "vega-lite": "server/src/report/draw/draw.ts",
};
/** What core may not touch, and what stands in for it. */
const BANNED_IN_CORE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, "take a Clock"],
  [/\bMath\.random\(|\bcrypto\./, "take randomness as an argument"],
  [/\bset(Timeout|Interval|Immediate)\(|\bqueueMicrotask\(/, "take a Clock"],
  [/\bfetch\(|\bWebSocket\b|\bXMLHttpRequest\b/, "core has no network"],
  [/\bprocess\.|\bBuffer\.|\bBuffer\(/, "core runs in browsers too"],
];

interface SourceFile {
  readonly file: string;
  readonly folder: string | null;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(package_: string): SourceFile[] {
  const base = path.join(root, package_, "src");
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts"))
    .map((entry) => {
      const full = path.join(entry.parentPath, entry.name);
      const inside = path.relative(base, full).split(path.sep);
      const text = readFileSync(full, "utf8");
      const imports = [...text.matchAll(/(?:from|import|import\()\s*"([^"]+)"/g)].map((match) => match[1]!);
      return {
        file: path.relative(root, full).replaceAll(path.sep, "/"),
        folder: chapterOf(inside),
        text,
        imports,
      };
    });
}

/** The chapter a file is in: its path's first folder, or the first two on a shelf. */
function chapterOf(inside: readonly string[]): string | null {
  const depth = SHELVES.has(inside[0]!) ? 2 : 1;
  return inside.length > 1 ? inside.slice(0, Math.min(depth, inside.length - 1)).join("/") : null;
}

/** Tests, and what only tests use (`name.testing.ts`); neither is compiled into what is published. */
const isTest = (file: SourceFile) => /\.(test|testing)\.tsx?$/.test(file.file);
const core = sources("core");
const server = sources("server");

function violations(
  files: readonly SourceFile[],
  table: Readonly<Record<string, readonly string[]>>,
  everyone: readonly string[],
): string[] {
  const found: string[] = [];
  for (const file of files) {
    if (file.folder === null || isTest(file)) continue;
    const allowed = table[file.folder];
    if (allowed === undefined) {
      found.push(`${file.file}: the folder "${file.folder}" is not in the table`);
      continue;
    }
    for (const specifier of file.imports) {
      if (specifier.startsWith("#")) {
        const to = specifier.slice(1);
        if (to !== file.folder && !allowed.includes(to) && !everyone.includes(to))
          found.push(`${file.file}: ${file.folder} may not import ${to}`);
      } else if (specifier.startsWith(".")) {
        const depth = file.file.split("/").length - 3 - file.folder.split("/").length; // package/src/folder/file
        if (specifier.split("/").filter((part) => part === "..").length > depth)
          found.push(`${file.file}: "${specifier}" leaves its folder; import its door ("#folder")`);
      }
    }
  }
  return found;
}

describe("the import table", () => {
  test("holds in core", () => expect(violations(core, CORE, ["base"])).toEqual([]));
  test("holds in the server", () => expect(violations(server, SERVER, [])).toEqual([]));
  test("names no folder that is gone", () => {
    const folders = new Set([...core, ...server].map((file) => file.folder));
    expect([...Object.keys(CORE), ...Object.keys(SERVER)].filter((folder) => !folders.has(folder))).toEqual([]);
  });
  test("is the one ARCHITECTURE.md prints", () => {
    const text = readFileSync(path.join(root, "ARCHITECTURE.md"), "utf8");
    const printed = new Map(
      [...text.matchAll(/^\| `([\w/]+)` \| ([^|]*) \|/gm)].map((match) => [match[1]!, match[2]!.trim()]),
    );
    for (const [folder, allowed] of Object.entries({ ...CORE, ...SERVER })) {
      expect(printed.get(folder), `the row of ${folder} in ARCHITECTURE.md`).toBe(
        allowed.length === 0 ? "–" : allowed.join(", "),
      );
    }
  });
});

describe("packages", () => {
  test("each heavy one has a single owner", () => {
    for (const [package_, owner] of Object.entries(OWNERS)) {
      const importers = [...core, ...server]
        .filter((file) => !isTest(file) && file.imports.includes(package_))
        .map((file) => file.file);
      expect(importers, package_).toEqual([owner].flat());
    }
  });
  test("core imports none, and nothing of Node", () => {
    const outside = core
      .filter((file) => !isTest(file))
      .flatMap((file) =>
        file.imports
          .filter((name) => !name.startsWith("#") && !name.startsWith("."))
          .map((name) => `${file.file}: ${name}`),
      );
    expect(outside).toEqual([]);
  });
});

test("what is made for tests is used by tests alone", () => {
  const found = [...core, ...server].flatMap((file) =>
    isTest(file)
      ? []
      : file.imports.filter((name) => name.includes(".testing.")).map((name) => `${file.file}: ${name}`),
  );
  expect(found).toEqual([]);
  for (const package_ of ["core", "server"]) {
    const { exclude } = JSON.parse(readFileSync(path.join(root, package_, "tsconfig.json"), "utf8")) as {
      exclude: string[];
    };
    expect(exclude, package_).toContain("src/**/*.testing.ts");
  }
});

describe("core is pure", () => {
  test.each(BANNED_IN_CORE)("%s", (pattern, instead) => {
    const found = core
      .filter((file) => !isTest(file) && pattern.test(withoutComments(file.text)))
      .map((file) => file.file);
    expect(found, instead).toEqual([]);
  });
});

test("status codes exist only in api", () => {
  const found = server
    .filter(
      (file) =>
        !isTest(file) &&
        file.folder !== "api" &&
        file.folder !== "cli" &&
        /\b(statusCode|writeHead)\b/.test(withoutComments(file.text)),
    )
    .map((file) => file.file);
  expect(found).toEqual([]);
});

test("every file begins by saying what lives in it", () => {
  const silent = [...core, ...server]
    .filter((file) => !isTest(file) && !/^(#!.*\n)?(\/\/|\/\*)/.test(file.text))
    .map((file) => file.file);
  expect(silent).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
