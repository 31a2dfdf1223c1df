// `npm run conformance -- [--short] [--keep]`: outside clients, as PyPI has them, against a live server of ours; and the same
// cases against Triton's own HTTP front, to tell what differs. docs/conformance.md tells what is found.
import { parseArgs } from "node:util";
import { resultOf } from "../bench/record.ts";
import { type Outcome, runCases } from "./cases.ts";
import { differencesOf, explain } from "./differences.ts";
import { createEnvironment, findPython, InstallFailure } from "./environments.ts";
import { createPerfAnalyzer, type PerfReport, runPerfAnalyzer } from "./perf-analyzer.ts";
import { startReference } from "./reference.ts";
import { countsOf, keepResult, unaskedOf } from "./results.ts";
import { type LiveServer, startServer } from "./server.ts";

/** pytriton brings libraries for Debian's own Python 3.11; other builds of it end at the first import. */
const REFERENCE_PYTHONS = ["/usr/bin/python3.11"];
const PYTHONS = ["python3", "/usr/bin/python3", "python"];
const CASE_LIMIT_SHOWN = 20;

const { values } = parseArgs({
  options: { short: { type: "boolean", default: false }, keep: { type: "boolean", default: false } },
});

const python = await findPython(PYTHONS);
if (python === null) {
  console.log("Python 3 with venv is not here, so the outside clients were not tried.");
} else {
  try {
    process.exitCode = (await tryClients(python)) ? 0 : 1;
  } catch (error) {
    // The short form belongs to every change, also where packages can't be had; the long one was asked for.
    if (!values.short || !(error instanceof InstallFailure)) throw error;
    console.log(`${error.message.slice(0, 500)}\nThe outside clients were not tried.`);
  }
}

async function tryClients(basePython: string): Promise<boolean> {
  const before = resultOf("conformance", null);
  const client = await createEnvironment("tritonclient", basePython);
  const server = await startServer();
  try {
    const outcomes = await ask(client.python, server);
    const isSound = reportOutcomes(outcomes);
    if (values.short) return isSound;
    const reference = await compare(client.python, outcomes);
    const performance = await load(basePython, server.address);
    if (values.keep) {
      const { versions, machine, commit, at } = before;
      const result = {
        schemaVersion: 1 as const,
        command: "npm run conformance -- --keep",
        at,
        commit,
        machine,
        versions: { ...versions, ...client.versions, ...reference.versions, ...performance.versions },
        cases: countsOf(outcomes),
        unasked: unaskedOf(outcomes),
        differences: reference.found,
        perfAnalyzer: performance.runs,
      };
      console.log(`kept in ${await keepResult(result, performance.text)}`);
    }
    return isSound && reference.isExplained;
  } finally {
    await server.stop();
  }
}

function ask(interpreter: string, server: LiveServer): Promise<Outcome[]> {
  const options = ["--admin", server.adminAddress, "--admin-token", server.adminToken];
  if (values.short) options.push("--short");
  return runCases({ python: interpreter, address: server.address, options });
}

function reportOutcomes(outcomes: readonly Outcome[]): boolean {
  const failed = outcomes.filter(({ ok }) => !ok);
  console.log(`tritonclient: ${outcomes.length - failed.length} of ${outcomes.length} cases hold`);
  for (const { client, case: name, seen } of failed.slice(0, CASE_LIMIT_SHOWN)) {
    console.log(`  FAIL ${client} ${name}: ${String(seen)}`);
  }
  return failed.length === 0;
}

interface Comparison {
  readonly isExplained: boolean;
  /** null where the reference could not be asked. */
  readonly found: readonly object[] | null;
  readonly versions: Readonly<Record<string, string>>;
}

async function compare(interpreter: string, ours: readonly Outcome[]): Promise<Comparison> {
  const base = await findPython(REFERENCE_PYTHONS);
  if (base === null) {
    console.log(`The reference needs ${REFERENCE_PYTHONS.join(" or ")} with venv; it was not asked.`);
    return { isExplained: true, found: null, versions: {} };
  }
  const environment = await createEnvironment("pytriton", base);
  const reference = await startReference(environment);
  try {
    const options = ["--reference", "--token", reference.token];
    const found = differencesOf(ours, await runCases({ python: interpreter, address: reference.address, options }));
    const { unexplained, stale } = explain(found);
    console.log(`reference: ${found.length} outcomes differ, ${unexplained.length} without an explanation`);
    for (const one of unexplained.slice(0, CASE_LIMIT_SHOWN)) {
      console.log(`  DIFFERS ${one.client} ${one.case}\n    ours   ${text(one.ours)}\n    theirs ${text(one.theirs)}`);
    }
    for (const { cases } of stale)
      console.log(`  STALE the row of ${cases.join(", ")}: nothing differs there any more`);
    return { isExplained: unexplained.length + stale.length === 0, found, versions: environment.versions };
  } finally {
    await reference.stop();
  }
}

function text(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 400);
}

/** perf_analyzer's report; an empty one where it is not made for the machine. */
async function load(
  basePython: string,
  address: string,
): Promise<PerfReport & { readonly versions: Readonly<Record<string, string>> }> {
  const tool = await createPerfAnalyzer(basePython);
  if (tool === null) {
    console.log("perf_analyzer is made for Linux on x64; it was not tried.");
    return { runs: [], text: "", versions: {} };
  }
  const report = await runPerfAnalyzer(tool, address);
  for (const { name, levels } of report.runs) {
    const rates = levels.map((level) => level["Inferences/Second"]);
    console.log(`perf_analyzer: ${name}: ${rates.join(", ")} inferences a second`);
  }
  return { ...report, versions: { perf_analyzer: tool.versions["tritonclient"]! } };
}
