// Tuning on the real platform, within seconds: what is measured and said holds together, what is applied is served, and
// giving up leaves nothing behind.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlatform } from "../../platform.ts";
import { cli } from "../cli.testing.ts";
import { EXITS } from "../exit-codes.ts";
import { findServer, openSession, type Session } from "../session.ts";
import { loadConfiguration } from "#config";
import { applyToDeployment, commandsFor } from "./apply.ts";
import type { TuneReport } from "./report.ts";

const digits = path.resolve(import.meta.dirname, "../../../../examples/digits");
const platform = createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });
const loadPlatform = async () => platform;
const before = process.env["TMPDIR"];
let directory: string;
/** Where temporary directories are made meanwhile. */
let scratch: string;
const run = (arguments_: readonly string[], more: Parameters<typeof cli>[1] = {}) =>
  cli(arguments_, { loadPlatform, workingDirectory: directory, ...more });

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-tune-"));
  scratch = path.join(directory, "tmp");
  mkdirSync(scratch);
  process.env["TMPDIR"] = scratch;
});
afterAll(() => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

async function tuned(...arguments_: string[]): Promise<TuneReport> {
  const { code, out, err } = await run(["tune", ...arguments_, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as TuneReport;
}

/** What holds of every report, whatever the machine did. */
function expectSound({ candidates, verdict, recommendation, commands, yaml, machine }: TuneReport): void {
  expect(candidates.map(({ isCurrent }) => isCurrent)).toEqual([true, ...candidates.slice(1).map(() => false)]);
  expect(candidates[0]!.ratio === null || candidates[0]!.ratio.median === 1).toBe(true);
  for (const { effects, requestsPerSecond, measurements, isCurrent } of candidates) {
    if (!isCurrent)
      expect(effects["runtime.instances"]! * effects["runtime.intraOpThreads"]!).toBeLessThanOrEqual(machine.cores);
    expect(requestsPerSecond === null).toBe(measurements === 0);
    if (requestsPerSecond !== null) expect(requestsPerSecond.median).toBeGreaterThan(0);
  }
  const challengers = candidates.filter(({ isChallenger }) => isChallenger);
  expect(challengers.length).toBe(verdict.challenger === null ? 0 : 1);
  if (verdict.challenger !== null) expect(challengers[0]!.settings).toMatchObject(verdict.challenger);
  expect(verdict.wins).toBeLessThanOrEqual(verdict.pairs);
  expect(recommendation).toEqual(verdict.isBetter ? verdict.challenger : null);
  expect(commands.length > 0).toBe(verdict.isBetter);
  expect(yaml.length > 0).toBe(verdict.isBetter);
}

describe("a model file", () => {
  test("is measured against the settings it would have", async () => {
    const model = path.join(digits, "model.onnx");
    const report = await tuned(model, "--budget", "5s", "--concurrency", "4", "--runtime-max-batch-rows", "16");
    expectSound(report);
    expect(report).toMatchObject({
      model,
      load: { objective: null, connections: 4, rows: 1, isBinary: false },
      isApplied: false,
    });
    expect(report.candidates[0]!.settings).toMatchObject({
      runtime: { instances: 1, intraOpThreads: 0, maxBatchRows: 16 },
    });
    expect(report.candidates.length).toBeGreaterThan(1);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test("for a latency objective, with a body of its own, as text", async () => {
    writeFileSync(
      path.join(directory, "body.json"),
      JSON.stringify({
        inputs: [
          { name: "image", datatype: "FP32", shape: [2, 1, 28, 28], data: Array.from({ length: 1568 }, () => 0.5) },
        ],
      }),
    );
    const flags = ["--budget", "3s", "--p50", "200ms", "--payload", "body.json", "--concurrency", "4"];
    const { code, out, err } = await run(["tune", digits, ...flags]);
    expect(code, err).toBe(0);
    expect(out).toContain("looked for  the highest rate with p50 of at most 200 ms (open loop, 4 connections)");
    expect(out).toContain("sent        body.json; ");
    expect(out).toMatch(/^ +1 +\d+ +32 .* current$/m);
    // Three seconds are too few for five pairs of searches.
    expect(out).toContain("give a longer --budget");
  });

  test("a body that the model refuses is an error, not a figure", async () => {
    writeFileSync(path.join(directory, "wrong.json"), '{"inputs": []}');
    const { code, err } = await run(["tune", digits, "--budget", "3s", "--payload", "wrong.json"]);
    expect(err).toContain("RUN_FAILED");
    expect(code).toBe(EXITS.invalid.code);
  });

  test("Ctrl-C gives up, and nothing is left behind", async () => {
    const stop = new AbortController();
    const onErr = (text: string) => {
      // Some way into loading or measuring; where there is time for two candidates alone, there are no rounds.
      if (/Round 1|Pair 1/.test(text)) setTimeout(() => stop.abort(), 400);
    };
    const { code, out, err } = await run(["tune", digits, "--budget", "20s"], { signal: stop.signal, onErr });
    expect(err).toContain("slipway: INTERRUPTED Given up; nothing was changed.");
    expect([code, out]).toEqual([EXITS.interrupted.code, ""]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test.each([
    [["--apply"], "--apply and --endpoint go with a registered model"],
    [["--budget", "0s"], "--budget is 0 ms"],
    [["--p50", "1ms", "--p99", "2ms"], "Give one objective"],
  ])("%j is a wrong call", async (flags, message) => {
    const { code, err } = await run(["tune", "model.onnx", ...flags]);
    expect(err).toContain(message);
    expect(code).toBe(EXITS.usage.code);
  });
});

describe("a registered model", () => {
  const data = () => path.join(directory, "data");
  const stop = new AbortController();
  let running: ReturnType<typeof cli>;
  let session: Session;

  beforeAll(async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const flags = ["--port", "0", "--admin-port", "0", "--runtime-warm-up-runs", "1", "--json"];
    running = run(["start", "--data-dir", data(), ...flags], { signal: stop.signal, onOut: resolve });
    await promise;
    const configuration = loadConfiguration({ flags: { "--data-dir": data() } });
    session = await openSession(platform, configuration, await findServer(platform, configuration, false));
    const settings = { runtime: { maxBatchRows: 1, warmUpRuns: 3 }, queue: { maxRequests: 77 } };
    await session.client.deploy({ params: { endpoint: "digits" }, body: { settings } });
  });
  afterAll(async () => {
    stop.abort();
    await running;
  });

  test("is measured as it is deployed, and only a recommendation changes that", async () => {
    const report = await tuned("digits", "--data-dir", data(), "--budget", "4s", "--apply");
    expectSound(report);
    expect(report.model).toBe("digits@1");
    expect(report.candidates[0]!.settings).toMatchObject({ runtime: { maxBatchRows: 1 } });
    const { live } = await session.client.getEndpoint({ params: { endpoint: "digits" } });
    expect(report.isApplied).toBe(report.recommendation !== null);
    expect(live!.settings).toMatchObject({
      queue: { maxRequests: 77 },
      runtime: { warmUpRuns: 3, maxBatchRows: 1, ...report.recommendation?.["runtime"] },
    });
  });

  test("is found by its hash as well", async () => {
    const { model } = await session.client.getVersion({ params: { name: "digits", number: 1 } });
    const report = await tuned(model.hash, "--data-dir", data(), "--budget", "1500ms");
    expectSound(report);
    expect(report.model).toBe(model.hash.slice(0, 12));
    const { code, err } = await run(["tune", "0".repeat(64), "--data-dir", data()]);
    expect(err).toContain("MODEL_NOT_FOUND");
    expect(code).toBe(EXITS.notFound.code);
  });

  test("what is found is deployed beside the settings it had, with the reason on record", async () => {
    const origin = { kind: "version", session, endpoint: "digits", name: "digits", number: 1 } as const;
    const own = { runtime: { maxBatchRows: 1, warmUpRuns: 3 }, queue: { maxRequests: 77 } };
    const changes = { runtime: { maxBatchRows: 8, intraOpThreads: 1 }, server: { fronts: 2 } };
    expect(await applyToDeployment({ origin, own }, changes, "slipway tune: 1.50 × the settings before")).toEqual({
      server: { fronts: 2 },
    });
    const { live } = await session.client.getEndpoint({ params: { endpoint: "digits" } });
    expect(live!.settings).toEqual({
      runtime: { maxBatchRows: 8, warmUpRuns: 3, intraOpThreads: 1 },
      queue: { maxRequests: 77 },
    });
    expect(live!.executor).toMatchObject({ intraOpThreads: 1, batching: { maxRows: 8 } });
    const [decision] = await session.client.listDecisions({ query: { limit: 1 } });
    expect(decision!.text).toContain("slipway tune: 1.50 × the settings before");
  });
});

test("the command lines say everything, and work when pasted", () => {
  const own = { runtime: { maxBatchRows: 1, inline: false }, queue: { maxRequests: 77 } };
  const changes = { runtime: { instances: 2, maxBatchRows: 8 } };
  const version = { kind: "version", session: null as never, endpoint: "digits", name: "digits", number: 3 } as const;
  expect(commandsFor({ origin: version, own }, changes, "npx slipway")).toEqual([
    "npx slipway deploy digits@3 --runtime-instances 2 --no-runtime-inline --runtime-max-batch-rows 8 --queue-max-requests 77",
  ]);
  expect(commandsFor({ origin: { ...version, endpoint: "canary" }, own: {} }, changes, "slipway")).toEqual([
    "slipway deploy digits@3 --endpoint canary --runtime-instances 2 --runtime-max-batch-rows 8",
  ]);
  expect(commandsFor({ origin: { kind: "file", given: "my model.onnx" }, own: {} }, changes, "slipway")).toEqual([
    "slipway serve 'my model.onnx' --runtime-instances 2 --runtime-max-batch-rows 8",
  ]);
  expect(commandsFor({ origin: version, own }, {}, "slipway")).toEqual([]);
});
