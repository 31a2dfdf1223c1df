import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ERRORS } from "@slipway/core/base";
import { describeSettings } from "#config";
import { cli } from "./cli.testing.ts";
import { COMMANDS } from "./commands.ts";
import { EXITS, exitCodeFor } from "./exit-codes.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-cli-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe("help", () => {
  test("slipway alone, --help and -h list every command", async () => {
    for (const arguments_ of [[], ["--help"], ["-h"], ["help"]]) {
      const { code, out } = await cli(arguments_);
      expect(code).toBe(0);
      for (const { name, summary } of COMMANDS) expect(out).toMatch(new RegExp(`  ${name} +${summary}`));
    }
  });
  test("help COMMAND and COMMAND --help are the same", async () => {
    for (const { name } of COMMANDS) expect(await cli(["help", name])).toEqual(await cli([name, "--help"]));
  });
  test("--version", async () => expect(await cli(["--version"])).toEqual({ code: 0, out: "1.2.3\n", err: "" }));
});

describe("did you mean", () => {
  test.each([
    [["stats"], 'There is no command "stats". Did you mean `slipway status`?'],
    [["deplyo"], "Did you mean `slipway deploy`?"],
    [["frobnicate"], "`slipway --help` lists the commands."],
    [["start", "--prot", "1"], "Did you mean --port?"],
    [["deploy", "x", "--breakin"], "Did you mean --breaking?"],
    [["start", "--runtime-max-batch-row", "1"], "Did you mean --runtime-max-batch-rows?"],
    [["config", "server.prot"], "Did you mean server.port?"],
  ])("%j", async (arguments_, hint) => {
    const { code, out, err } = await cli(arguments_);
    expect(err).toContain(hint);
    expect(err).toMatch(/^slipway: USAGE /);
    expect(out).toBe("");
    expect(code).toBe(2);
  });
});

describe("usage errors", () => {
  const halfOf =
    (...command: readonly string[]) =>
    (flag: string): [string[], string] => [
      [...command, `--${flag}`, "1.5"],
      `--${flag} is "1.5"; it must be a whole number from `,
    ];

  test.each([
    [["deploy"], "Missing required argument"],
    [["status", "extra"], "Too many arguments"],
    [["import", "x.onnx"], "--name is missing"],
    [["bench", "http://127.0.0.1:1/v2/models/x", "--arrivals", "never"], "constant, poisson"],
    [["bench", "http://127.0.0.1:1/v2/models/x", "--rate", "fast"], "--rate is"],
    [["bench", "http://127.0.0.1:1/v2/models/x", "--find"], "--find needs an objective"],
    [["inspect", "what is this"], "names no model"],
    ...["concurrency", "connections", "rows"].map(halfOf("bench", "http://127.0.0.1:1/v2/models/x")),
    ...["concurrency", "rows", "seed"].map(halfOf("tune", "digits")),
    ...["connections", "rows", "seed"].map(halfOf("plan", "digits", "--p99", "20ms")),
  ])("%j", async (arguments_, message) => {
    const { code, err } = await cli(arguments_);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
  test("in JSON, one line with the code and the remedy", async () => {
    const { code, out, err } = await cli(["status", "--nonsense", "--json"]);
    expect([code, out]).toEqual([2, ""]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(err)).toEqual({
      error: expect.stringContaining("--nonsense"),
      code: "USAGE",
      remedy: ERRORS.USAGE.remedy,
      details: {},
    });
  });
});

describe("config", () => {
  const json = async (arguments_: string[], variables: Record<string, string> = {}) => {
    const { code, out, err } = await cli(["config", "--json", ...arguments_], {
      variables,
      workingDirectory: directory,
    });
    expect([code, err]).toEqual([0, ""]);
    return JSON.parse(out) as { file: string | null; keys: { key: string; value: unknown; source: string }[] };
  };
  test("shows every setting", async () => {
    const { keys } = await json([]);
    expect(keys.map(({ key }) => key)).toEqual(describeSettings().map(({ key }) => key));
    expect(keys.every(({ source }) => source === "default")).toBe(true);
  });
  test("flags win over environment over file, and each says where it came from", async () => {
    writeFileSync(path.join(directory, "slipway.yaml"), "server:\n  port: 1\n  adminPort: 2\nlog:\n  level: warn\n");
    const { file, keys } = await json(["--changed", "--port", "3"], {
      SLIPWAY_SERVER_PORT: "4",
      SLIPWAY_LOG_LEVEL: "error",
    });
    expect(file).toBe(path.join(directory, "slipway.yaml"));
    expect(keys.map(({ key, value, source }) => [key, value, source])).toEqual([
      ["server.port", 3, "flag --port"],
      ["server.adminPort", 2, "slipway.yaml line 3"],
      ["log.level", "error", "environment SLIPWAY_LOG_LEVEL"],
    ]);
    rmSync(path.join(directory, "slipway.yaml"));
  });
  test("--config and SLIPWAY_CONFIG name a file, which then has to be there", async () => {
    writeFileSync(path.join(directory, "other.yaml"), "repository: models\n");
    for (const [arguments_, variables] of [
      [["--config", "other.yaml"], {}],
      [[], { SLIPWAY_CONFIG: "other.yaml" }],
    ] as const) {
      const { keys } = await json(["repository", ...arguments_], variables);
      expect(keys[0]?.value).toBe(path.join(directory, "models"));
    }
    const { code, err } = await cli(["config", "--config", "missing.yaml"], { workingDirectory: directory });
    expect(err).toContain("missing.yaml can't be read (ENOENT)");
    expect(code).toBe(2);
  });
  test("as text, aligned and without colour", async () => {
    const { out } = await cli(["config", "log", "--no-runtime-inline"], { workingDirectory: directory });
    expect(out).toBe("SETTING     VALUE  FROM\nlog.level   info   default\nlog.format  auto   default\n");
  });
  test("a flag of a boolean works both ways", async () => {
    for (const [flag, value] of [
      ["--runtime-inline", true],
      ["--no-runtime-inline", false],
    ] as const) {
      expect((await json(["runtime.inline", flag])).keys[0]).toMatchObject({ value, source: "flag --runtime-inline" });
    }
  });
});

describe("exit codes", () => {
  test("are distinct, and every kind of error has one", () => {
    const codes = Object.values(EXITS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of Object.keys(ERRORS)) {
      expect(codes).toContain(exitCodeFor(code));
      expect(exitCodeFor(code)).not.toBe(0);
    }
  });
  test.each([
    ["CONFIG_INVALID", 2],
    ["ENDPOINT_NOT_FOUND", 3],
    ["SIGNATURE_BREAKING", 4],
    ["SERVER_UNREACHABLE", 5],
    ["MODEL_MALFORMED", 6],
    ["MODEL_LOAD_TIMEOUT", 7],
    ["INTERNAL", 1],
    ["INTERRUPTED", 130],
    ["A_CODE_OF_A_NEWER_SERVER", 1],
  ])("%s ends with %d", (code, exit) => expect(exitCodeFor(code)).toBe(exit));
  test("a server that is not there", async () => {
    const { code, err } = await cli(["bench", "http://127.0.0.1:9/v2/models/x", "--duration", "1s"]);
    expect(err).toContain("slipway: SERVER_UNREACHABLE");
    expect(code).toBe(EXITS.unavailable.code);
  });
  test("a device, which might never end", async (context) => {
    if (process.platform === "win32") context.skip("there is no /dev/zero");
    const { code, err } = await cli(["inspect", "/dev/zero"]);
    expect(err).toContain("/dev/zero is not a regular file");
    expect(code).toBe(EXITS.invalid.code);
  });
  test("a file that is not there", async () => {
    const { code, err } = await cli(["inspect", "./missing.onnx"]);
    expect(err).toContain("./missing.onnx can't be read: there is no such file.");
    expect(code).toBe(EXITS.invalid.code);
  });
});
