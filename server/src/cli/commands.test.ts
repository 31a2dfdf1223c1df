// Every command against the real platform: with the server running, with it stopped, and where it has to refuse. One
// server is started and used throughout; what each test needs, the ones before it have left.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { npyFromTensor } from "@slipway/core/tensor";
import { createPlatform } from "../platform.ts";
import { cli, type CliResult } from "./cli.testing.ts";
import { EXITS } from "./exit-codes.ts";

const digits = path.resolve(import.meta.dirname, "../../../examples/digits");
const seven = path.join(digits, "seven.png");
const loadPlatform = async () =>
  createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });

let directory: string;
let interrupt: AbortController;
let running: Promise<CliResult> | null = null;
/** What the server printed when it was ready. */
let ready: { inferenceAddress: string; consoleAddress: string; tries: { line: string }[] };

const call = (...arguments_: string[]) =>
  cli([...arguments_, "--data-dir", path.join(directory, "data")], { loadPlatform, workingDirectory: directory });
/** As `call`, wanting success, with the answer parsed. */
async function json<Answer>(...arguments_: string[]): Promise<Answer> {
  const { code, out, err } = await call(...arguments_, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Answer;
}

async function startServer(...flags: string[]): Promise<void> {
  interrupt = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  running = cli(
    ["start", "--data-dir", path.join(directory, "data"), "--port", "0", "--admin-port", "0", "--json", ...flags],
    { loadPlatform, workingDirectory: directory, signal: interrupt.signal, onOut: resolve },
  );
  void running.then(({ err }) => reject(new Error(`The server ended: ${err}`)));
  ready = JSON.parse(await promise) as typeof ready;
}

async function stopServer(): Promise<CliResult> {
  interrupt.abort();
  return await running!;
}

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-commands-"));
});
afterAll(async () => {
  interrupt?.abort();
  await running;
  rmSync(directory, { recursive: true, force: true });
});

describe("with the server running", () => {
  test("the first start imports the example and says how to ask it", async () => {
    await startServer();
    expect(ready.consoleAddress).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=/);
    const { line } = ready.tries[0]!;
    expect(line).toContain(`${ready.inferenceAddress}/v2/models/digits/predict`);
    // The line as a shell would read it.
    const [, image] = /--data-binary @(\S+)/.exec(line)!;
    const response = await fetch(`${ready.inferenceAddress}/v2/models/digits/predict`, {
      method: "POST",
      headers: { "content-type": "image/png" },
      body: readFileSync(path.resolve(directory, image!)),
    });
    const { predictions } = (await response.json()) as { predictions: { labels: { label: string }[] }[] };
    expect(predictions[0]!.labels[0]!.label).toBe("7");
  });

  test("a second server on the directory is refused, and told who holds it", async () => {
    const { code, err } = await call("start", "--port", "0", "--admin-port", "0");
    expect(err).toContain("DATA_DIRECTORY_LOCKED");
    expect(err).toContain(String(process.pid));
    expect(code).toBe(EXITS.refused.code);
  });

  test("status", async () => {
    const view = await json<{ isReady: boolean; isRunning: boolean; endpoints: { name: string; state: string }[] }>(
      "status",
    );
    expect(view).toMatchObject({ isReady: true, isRunning: true, endpoints: [{ name: "digits", state: "ready" }] });
    const { out } = await call("status");
    const [address] = /http:\S+\/\?token=\S+/.exec(out)!;
    expect((await fetch(address, { redirect: "manual" })).headers.get("set-cookie")).not.toBeNull();
    expect(out).toMatch(/^digits +ready +digits@1/m);
    expect(out).toMatch(/^Runners of digits: own process, killed at its limits; /m);
  });

  test("infer: an image, a body, an array and a value", async () => {
    const { out } = await call("infer", "digits", seven);
    expect(out).toMatch(/^7 +█{20,} +0\.9/);
    const body = await call("infer", "digits", path.join(digits, "seven.json"));
    expect(body.out).toMatch(/^logits +float32\[1, 10\]/);
    const image = { dtype: "float32", shape: [2, 1, 28, 28], data: new Float32Array(2 * 784) } as const;
    writeFileSync(path.join(directory, "two.npy"), npyFromTensor(image));
    const answer = await json<{ outputs: { name: string; shape: number[]; data: number[] }[] }>(
      "infer",
      "digits",
      "-i",
      "image=two.npy",
    );
    expect(answer.outputs[0]).toMatchObject({ name: "logits", dtype: "float32", shape: [2, 10] });
    expect(answer.outputs[0]!.data).toHaveLength(20);
    const zeros = JSON.stringify([[Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => 0))]]);
    const same = await json<typeof answer>("infer", "digits@1", "-i", `image=${zeros}`);
    same.outputs[0]!.data.forEach((value, index) => expect(value).toBeCloseTo(answer.outputs[0]!.data[index]!, 4));
  });

  test("import, and again: the version there is", async () => {
    const model = path.join(digits, "model.onnx");
    const first = await json<{ isNew: boolean; version: { number: number } }>(
      "import",
      model,
      "--name",
      "plain",
      "--note",
      "no steps",
    );
    expect(first).toMatchObject({ isNew: true, version: { name: "plain", number: 1, note: "no steps" } });
    expect(await json("import", model, "--name", "plain")).toMatchObject({ isNew: false, version: { number: 1 } });
  });

  test("versions and inspect tell what is registered", async () => {
    const versions = await json<{ name: string; number: number; model: { hash: string } }[]>("versions");
    expect(versions.map(({ name, number }) => `${name}@${number}`).toSorted()).toEqual(["digits@1", "plain@1"]);
    expect(await json("versions", "plain")).toHaveLength(1);
    const byName = await json<{ hash: string; parameterCount: number }>("inspect", "digits");
    expect(byName.parameterCount).toBe(34_570);
    for (const model of ["digits@1", byName.hash]) expect(await json("inspect", model)).toEqual(byName);
    const fromFile = await json<{ signature: unknown; operators: unknown }>("inspect", digits);
    expect(fromFile).toMatchObject({ parameterCount: 34_570 });
    const { signature, operators } = byName as unknown as typeof fromFile;
    expect([fromFile.signature, fromFile.operators]).toEqual([signature, operators]);
  });

  test("deploy switches, rollback returns", async () => {
    const refused = await call("deploy", "plain@1", "--endpoint", "digits");
    expect(refused.err).toMatch(/SIGNATURE_BREAKING .* no longer takes images/);
    const deployed = await json(
      "deploy",
      "plain@1",
      "--endpoint",
      "digits",
      "--runtime-max-batch-rows",
      "4",
      "--breaking",
    );
    expect(deployed).toMatchObject({
      deployment: { endpoint: "digits", name: "plain", number: 1, settings: { runtime: { maxBatchRows: 4 } } },
      replaced: { name: "digits", number: 1 },
    });
    const again = await call("deploy", "plain", "--endpoint", "digits");
    expect(again.out).toMatch(/^digits serves plain@1, loaded in /);
    await call("deploy", "digits", "--endpoint", "digits");
    await call("deploy", "plain", "--endpoint", "digits", "--breaking");
    const { out } = await call("rollback", "digits", "--reason", "test");
    expect(out).toMatch(/^digits serves digits@1 instead of plain@1/);
  });

  test("bench measures an endpoint", async () => {
    const short = ["--duration", "500ms", "--warm-up", "0"];
    const picture = path.join(directory, "latency.svg");
    const report = await json<{ answered: number; offered: number; failures: unknown; latency: { p99Ms: number } }>(
      "bench",
      "digits",
      "--rate",
      "20",
      ...short,
      "--svg",
      picture,
    );
    expect(report).toMatchObject({ answered: 10, offered: 10, failures: {} });
    expect(readFileSync(picture, "utf8")).toContain("<svg");
    const url = `${ready.inferenceAddress}/v2/models/digits`;
    const closed = await json<{ answered: number }>(
      "bench",
      url,
      "--concurrency",
      "2",
      ...short,
      "--binary",
      "--rows",
      "3",
    );
    expect(closed.answered).toBeGreaterThan(0);
  });

  test("backup while the server runs, and a restore over it is refused", async () => {
    const { code, out } = await call("backup", "--to", "running.tar");
    expect(out).toMatch(/^Backed up to .*running\.tar in .*: 2 files, .*\nRestore it: slipway restore /);
    expect(code).toBe(0);
    expect((await call("restore", "running.tar", "--check")).out).toMatch(/^The backup is sound: 2 files, /);
    const refused = await call("restore", "running.tar", "--replace");
    expect(refused.err).toContain("DATA_DIRECTORY_LOCKED");
    expect(refused.code).toBe(EXITS.refused.code);
  });

  test("gc and config --server", async () => {
    expect(await json("gc", "--dry-run")).toMatchObject({ isDryRun: true });
    const { keys } = await json<{ keys: { key: string; source: string }[] }>("config", "--server", "--changed");
    expect(keys.map(({ key }) => key)).toEqual(["dataDir", "server.port", "server.adminPort"]);
    expect(keys[1]!.source).toBe("flag --port");
  });

  test.each([
    [["deploy", "digit"], "MODEL_NOT_FOUND", EXITS.notFound],
    [["deploy", "digits@99"], "VERSION_NOT_FOUND", EXITS.notFound],
    [["infer", "nobody", seven], "ENDPOINT_NOT_FOUND", EXITS.notFound],
    [["unload", "nobody"], "ENDPOINT_NOT_FOUND", EXITS.notFound],
    [["bench", "nobody"], "ENDPOINT_NOT_FOUND", EXITS.notFound],
    [["infer", "digits", "-i", "pixels=[1]"], "INPUT_UNKNOWN", EXITS.invalid],
    [["infer", "digits", "-i", "image=[[1, 2]]"], "INPUT_SHAPE_MISMATCH", EXITS.invalid],
    [["import", "garbage.onnx", "--name", "garbage"], "MODEL_MALFORMED", EXITS.invalid],
    [["import", digits, "--name", "not a name"], "NAME_INVALID", EXITS.invalid],
    [["deploy", "digits", "--name", "other"], "USAGE", EXITS.usage],
  ] as const)("%j is refused with %s", async (arguments_, errorCode, exit) => {
    writeFileSync(path.join(directory, "garbage.onnx"), "this is no model");
    const { code, out, err } = await call(...arguments_, "--json");
    expect(JSON.parse(err)).toMatchObject({ code: errorCode });
    expect([code, out]).toEqual([exit.code, ""]);
  });

  test.each([
    [["deploy", "letters"]],
    [["deploy", "letters", "--name", "letters"]],
    [["infer", "letters", "-i", "x=[1]"]],
    [["inspect", "letters"]],
    [["inspect", "letters", "--graph"]],
    [["gradient", "letters", "-o", "gradient.onnx"]],
    [["passes", "letters", "--run", "dead-code"]],
    [["tune", "letters"]],
    [["finetune", "letters", "--data", "letters"]],
    [["finetune", "letters", "--data", "letters", "--processing", "p.json"]],
    [["dataset", "inspect", "letters/rows.csv", "--model", "letters"]],
  ])("%j asks whether the directory of that name is meant", async (arguments_) => {
    mkdirSync(path.join(directory, "letters"), { recursive: true });
    writeFileSync(path.join(directory, "letters", "rows.csv"), "a,b\n1,2\n3,4\n");
    const { code, err } = await call(...arguments_);
    expect(code).not.toBe(0);
    expect(err).toMatch(/ Did you mean \.\/letters\?\n/);
    expect((await call("deploy", "digit")).err).toContain('No version is named "digit". Did you mean digits?');
  });

  test("unload, and nothing answers", async () => {
    expect(await json("unload", "digits")).toMatchObject({ name: "digits", state: "unloaded" });
    const { code } = await call("infer", "digits", seven);
    expect([EXITS.notFound.code, EXITS.unavailable.code]).toContain(code);
    expect((await call("deploy", "digits@1")).code).toBe(0);
    expect((await call("release", "digits")).out).toMatch(/^digits is released and ready/);
  });

  test("Ctrl-C drains and ends well", async () => {
    const { code, out } = await stopServer();
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { event: string }).event),
    ).toEqual(["ready", "stopped"]);
  });
});

describe("with the server stopped", () => {
  test("status shows what is stored", async () => {
    const view = await json<{ isRunning: boolean; endpoints: { name: string; live: unknown }[] }>("status");
    expect(view).toMatchObject({ isRunning: false, isReady: false });
    expect(view.endpoints).toMatchObject([{ name: "digits", live: { name: "digits", number: 1 } }]);
    expect((await call("status")).out).toMatch(/^server +not running/);
  });

  test("deploy of a file is recorded for the next start", async () => {
    const { code, out } = await call("deploy", digits, "--name", "later");
    expect(out).toBe(
      "Recorded: later serves later@1 from the next `slipway start` on.\nUngated: no launch policy stands before this endpoint.\n",
    );
    expect(code).toBe(0);
  });

  test("infer runs the model itself", async () => {
    expect((await call("infer", "digits", seven)).out).toMatch(/^7 /);
  });

  test("backup goes on without a server, and Ctrl-C leaves nothing of it", async () => {
    const data = ["--data-dir", path.join(directory, "data")];
    const options = { loadPlatform, workingDirectory: directory, signal: AbortSignal.abort() };
    const stopped = await cli(["backup", "--to", "stopped.tar", ...data], options);
    expect(stopped).toMatchObject({ code: EXITS.interrupted.code, err: expect.stringContaining("INTERRUPTED") });
    expect(readdirSync(directory).filter((name) => name.startsWith("stopped"))).toEqual([]);
    expect(await json("backup", "--to", "kept")).toMatchObject({ state: "done", reusedFiles: 0 });
    expect(await json("backup", "--to", "kept")).toMatchObject({ state: "done", reusedFiles: 2 });
  });

  test("restore brings a backup back, and keeps aside what was there", async () => {
    const into = (name: string, ...more: string[]) =>
      cli(["restore", "running.tar", "--data-dir", path.join(directory, name), ...more], {
        loadPlatform,
        workingDirectory: directory,
      });
    expect((await into("fresh")).out).toMatch(
      /^Restored into .*fresh: 2 files, .*\nServe it: slipway start --data-dir /,
    );
    const refused = await into("fresh", "--json");
    expect(JSON.parse(refused.err)).toMatchObject({ code: "RESTORE_REFUSED" });
    expect(refused.code).toBe(EXITS.refused.code);
    expect((await into("fresh", "--replace")).out).toMatch(/\nWhat was there is kept in .*before-restore-/);
    const found = await cli(["status", "--json", "--data-dir", path.join(directory, "fresh")], { loadPlatform });
    const { endpoints } = JSON.parse(found.out) as { endpoints: { name: string; live: unknown }[] };
    expect(endpoints).toMatchObject([{ name: "digits", live: { name: "digits", number: 1 } }]);
  });

  test("what needs a server says so", async () => {
    for (const arguments_ of [["stop"], ["bench", "digits"], ["config", "--server"]]) {
      const { code, err } = await call(...arguments_);
      expect(err).toContain("SERVER_UNREACHABLE");
      expect(code).toBe(EXITS.unavailable.code);
    }
  });

  test("the next start serves what was recorded; stop ends it", async () => {
    await startServer();
    const { endpoints } = await json<{ endpoints: { name: string; state: string }[] }>("status");
    expect(endpoints.map(({ name, state }) => `${name} ${state}`).toSorted()).toEqual(["digits ready", "later ready"]);
    expect((await call("stop")).out).toBe("Stopped.\n");
    expect((await running!).code).toBe(0);
  });
});

describe("without a data directory", () => {
  test("infer of a file answers as its deployment does", async () => {
    const { code, out } = await cli(["infer", digits, seven], { loadPlatform, workingDirectory: directory });
    expect(out).toMatch(/^7 +█{20,} +0\.9/);
    expect(code).toBe(0);
  });

  test("serve answers at once and keeps nothing", async () => {
    const stop = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const served = cli(["serve", `mine=${digits}`, "--port", "0", "--admin-port", "0", "--json"], {
      loadPlatform,
      workingDirectory: directory,
      signal: stop.signal,
      onOut: resolve,
    });
    void served.then(({ err }) => reject(new Error(err)));
    const { inferenceAddress, dataDirectory } = JSON.parse(await promise) as {
      inferenceAddress: string;
      dataDirectory: null;
    };
    expect(dataDirectory).toBeNull();
    const response = await fetch(`${inferenceAddress}/v2/models/mine`);
    expect(await response.json()).toMatchObject({ name: "mine", inputs: [{ name: "image" }] });
    stop.abort();
    expect((await served).code).toBe(0);
  });
});
