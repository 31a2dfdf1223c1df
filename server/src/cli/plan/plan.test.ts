// Planning on the real platform, within seconds: what is said holds together whatever the machine did, what is kept can be
// deployed, and giving up leaves nothing behind.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Plan } from "#lab/plan";
import { createPlatform } from "../../platform.ts";
import { cli } from "../cli.testing.ts";
import { EXITS } from "../exit-codes.ts";

const digits = path.resolve(import.meta.dirname, "../../../../examples/digits");
const platform = createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });
const loadPlatform = async () => platform;
const before = process.env["TMPDIR"];
let directory: string;
/** Where temporary directories are made meanwhile. */
let scratch: string;
const run = (arguments_: readonly string[], more: Parameters<typeof cli>[1] = {}) =>
  cli([...arguments_, "--data-dir", path.join(directory, "data")], {
    loadPlatform,
    workingDirectory: directory,
    ...more,
  });

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-plan-"));
  scratch = path.join(directory, "tmp");
  mkdirSync(scratch);
  process.env["TMPDIR"] = scratch;
});
afterAll(() => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

type Made = Plan & { readonly evidenceId: string | null };

async function planned(...arguments_: string[]): Promise<Made> {
  const { code, out, err } = await run(["plan", ...arguments_, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Made;
}

describe("a model file", () => {
  test("an objective below what one client sees can't be met, and the plan says by how much", async () => {
    const made = await planned(digits, "--p99", "1us", "--rate", "10/s", "--budget", "5s", "--save", "plan.json");
    expect(made).toMatchObject({
      outcome: "cannot",
      asked: { quantile: 0.99, latencyMs: 0.001, ratePerSecond: 10, rowsPerRequest: 1 },
      replicas: null,
      confirmation: null,
      options: [],
      evidenceId: null,
    });
    expect(made.lone.met).toBe(0);
    expect(made.why[0]).toContain("One client alone");
    const { evidenceId: _, ...plan } = made;
    expect(JSON.parse(readFileSync(path.join(directory, "plan.json"), "utf8"))).toEqual(plan);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test("Ctrl-C gives up, and nothing is left behind", async () => {
    const stop = new AbortController();
    const onErr = (text: string) => {
      if (/Round 1|Pair 1/.test(text)) setTimeout(() => stop.abort(), 300);
    };
    const flags = ["--p50", "5s", "--rate", "5", "--budget", "60s"];
    const { code, out, err } = await run(["plan", digits, ...flags], { signal: stop.signal, onErr });
    expect(err).toContain("slipway: INTERRUPTED Given up; nothing was kept.");
    expect([code, out]).toEqual([EXITS.interrupted.code, ""]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test.each([
    [[], "A plan needs an objective, such as --p99 20ms."],
    [["--p99", "20ms", "--rate", "fast"], '--rate is "fast"; it must be a rate such as 500/s'],
    [["--p99", "20ms", "--rate", "0"], '--rate is "0"'],
    [["--p99", "20ms", "--p50", "1ms"], "Give one objective"],
    [["--p99", "20ms", "--budget", "0s"], "--budget is 0 ms"],
  ])("%j is a wrong call", async (flags, message) => {
    const { code, err } = await run(["plan", "model.onnx", ...flags]);
    expect(err).toContain(message);
    expect(code).toBe(EXITS.usage.code);
  });

  test.each([
    ["missing.yaml", null, "FILE_UNREADABLE"],
    ["bad.yaml", "machines: [", "is no YAML"],
    ["empty.yaml", "currency: EUR\n", "can't be used"],
  ])("prices in %s are refused before anything is measured", async (file, content, message) => {
    if (content !== null) writeFileSync(path.join(directory, file), content);
    const { code, err } = await run(["plan", "model.onnx", "--p99", "20ms", "--prices", file]);
    expect(err).toContain(message);
    expect(code).not.toBe(0);
  });
});

describe("a registered model", () => {
  let made: Made;

  beforeAll(async () => {
    expect((await run(["import", digits, "--name", "digits"])).code).toBe(0);
    writeFileSync(
      path.join(directory, "data", "prices.yaml"),
      "currency: EUR\nsource: a contract\nasOf: '2026-11-25'\nmachines:\n  - { name: one, cores: 2, memoryGiB: 8, perHour: 0.1 }\n",
    );
    // So loose that any machine meets it, however busy it is.
    const flags = ["--p50", "1s", "--rate", "1800/min", "--budget", "5s", "--connections", "4"];
    made = await planned("digits", ...flags, "--runtime-max-batch-rows", "16", "--reason", "for the test");
  }, 120_000);

  test("fits, with the numbers it rests on", () => {
    expect(made).toMatchObject({
      outcome: "fits",
      model: { title: "digits@1" },
      asked: { quantile: 0.5, latencyMs: 1000, ratePerSecond: 30 },
      replicas: 1,
      ratePerReplica: 30,
      prices: { currency: "EUR", isExample: false },
      machine: { fingerprint: platform.machine.fingerprint },
      load: { connections: 4 },
    });
    const { confirmation, limit, headroom, options, settings, attempts } = made;
    expect(confirmation!.met).toBe(confirmation!.windows);
    expect(confirmation!.nextMs!).toBeLessThanOrEqual(1000);
    expect(attempts.at(-1)).toMatchObject({ decision: "met", isAccepted: true, replicas: 1 });
    expect(limit!.ratePerSecond * (1 - headroom!.share)).toBeGreaterThanOrEqual(30);
    expect(options.map(({ cost }) => cost.machine)).toEqual(["one"]);
    expect(Object.keys(settings["runtime"]!)).toEqual(["instances", "intraOpThreads", "maxBatchRows"]);
  });

  test("is kept as evidence, which a policy can ask", async () => {
    const { out } = await run(["measure", "digits", "--show", "--json"]);
    const [evidence] = JSON.parse(out) as { id: string; kind: string; values: Record<string, { value: number }> }[];
    expect(evidence).toMatchObject({ id: made.evidenceId, kind: "plan" });
    expect(evidence!.values["rate"]!.value).toBe(30);
    writeFileSync(
      path.join(directory, "policy.yaml"),
      "requirements:\n  - plan.rate >= 25/s on this machine\n  - plan.latencyBound <= 1 s on this machine\n",
    );
    const checked = await run(["policy", "check", "digits@1", "--policy", "policy.yaml", "--json"]);
    expect(checked.err).toBe("");
    expect(JSON.parse(checked.out)).toMatchObject({ judged: { verdict: "yes" } });
  });

  test("is deployed by its id, or the beginning of it; flags win over it", async () => {
    const id = made.evidenceId!.slice(0, 20).toLowerCase();
    const flags = ["--runtime-warm-up-runs", "1", "--runtime-max-batch-rows", "8", "--json"];
    const { code, out, err } = await run(["deploy", "digits", "--plan", id, ...flags]);
    expect(code, err).toBe(0);
    const { instances, intraOpThreads } = made.settings["runtime"]!;
    expect(JSON.parse(out)).toMatchObject({
      deployment: { settings: { runtime: { instances, intraOpThreads, maxBatchRows: 8, warmUpRuns: 1 } } },
    });
  });

  test("from a file of another kind of machine it is deployed with a warning", async () => {
    const { evidenceId: _, ...plan } = made;
    const elsewhere = { ...plan, machine: { ...plan.machine, fingerprint: "f".repeat(16), name: "elsewhere" } };
    writeFileSync(path.join(directory, "elsewhere.json"), JSON.stringify(elsewhere));
    const { code, out } = await run(["deploy", "digits", "--plan", "elsewhere.json"]);
    expect(code).toBe(0);
    expect(out).toContain("measured on another kind of machine (elsewhere)");
  });

  test.each([
    ["no-such-id", () => null, 'no plan has the id "no-such-id": there are '],
    [
      "other.json",
      () => ({ ...made, model: { title: "other@1", hash: "b".repeat(64) } }),
      "The plan is of the model bbbbbbbbbbbb",
    ],
    ["cannot.json", () => ({ ...made, outcome: "cannot" }), 'The plan\'s outcome is "cannot"'],
    ["broken.json", () => ({ schema: 1 }), "broken.json holds no plan"],
  ])("%s is refused", async (given, content, message) => {
    const value = content();
    if (value !== null) writeFileSync(path.join(directory, given), JSON.stringify({ ...value, evidenceId: undefined }));
    const { code, err } = await run(["deploy", "digits", "--plan", given]);
    expect(err).toContain(message);
    expect(err).toContain("PARAMETER_INVALID");
    expect(code).not.toBe(0);
  });
});
