// `npm run fuzz -- [--target NAME] [--inputs N] [--seed S] [--workers N] [--short] [--keep]`: feeds wrong and nearly right
// bytes to everything that reads bytes of others. A finding is made small and written to corpus/, which the fast tests replay.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { keepResult } from "../record.ts";
import type { FuzzTarget } from "./target.ts";
import { TARGETS, targetNamed } from "./targets.ts";
import type { WorkerOrder, WorkerReport } from "./worker.ts";

const LONG_INPUTS = 10_200_000;
const SHORT_INPUTS = 150_000;
/** Inputs a worker does before another takes over, with a seed of its own. */
const PART_INPUTS = 250_000;
/** An input that takes this much processor time, or that waits this long, hangs. */
const HANG_MS = 20_000;
const WAIT_MS = 600_000;
const SHARED_BYTES = 1 << 20;

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    inputs: { type: "string" },
    seed: { type: "string" },
    workers: { type: "string", default: "1" },
    short: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? randomBytes(4).readUInt32LE());
const inputs = Number(values.inputs ?? (values.short ? SHORT_INPUTS : LONG_INPUTS));
const targets = values.target === undefined ? TARGETS : values.target.map(targetNamed);
const shares = targets.reduce((sum, { share }) => sum + share, 0);

interface TargetFigures {
  readonly inputs: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Sorts of ends it came to. */
  readonly ends: number;
  readonly slowestMs: number;
  readonly findings: number;
}

/** Feeds a part in a thread of its own. A finding is kept and told. */
async function runPart(order: Omit<WorkerOrder, "shared">): Promise<WorkerReport> {
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const counters = new Int32Array(shared, 0, 2);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { ...order, shared } satisfies WorkerOrder,
  });
  let last = -1;
  let since = 0;
  let beganAt = 0;
  const { promise, resolve, reject } = Promise.withResolvers<WorkerReport>();
  const watch = setInterval(() => {
    void worker.cpuUsage().then(
      ({ user, system }) => look((user + system) / 1000),
      () => {},
    ); // it may have ended
  }, 500);
  const look = (threadMs: number): void => {
    const now = performance.now();
    if (counters[0] !== last) [last, since, beganAt] = [counters[0]!, threadMs, now];
    else if (threadMs - since > HANG_MS || now - beganAt > WAIT_MS) {
      const input = Uint8Array.from(new Uint8Array(shared, 8, Math.min(counters[1]!, SHARED_BYTES - 8)));
      resolve({ kind: "finding", text: "It does not end.", input, small: input });
    }
  };
  worker.once("message", resolve);
  worker.once("error", reject);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

async function runTarget(target: FuzzTarget): Promise<TargetFigures> {
  const wanted = Math.ceil((inputs * target.share) / shares);
  const ends = new Set<string>();
  let slowestMs = 0;
  let findings = 0;
  const start = performance.now();
  let done = 0;
  for (let part = 0; done < wanted; part++) {
    const size = Math.min(PART_INPUTS, wanted - done);
    const report = await runPart({ target: target.name, inputs: size, seed: seed + part });
    done += size;
    if (report.kind === "finding") {
      findings++;
      tell(target.name, report, seed + part);
      break;
    }
    for (const [end] of report.ends) ends.add(end);
    slowestMs = Math.max(slowestMs, report.slowestMs);
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    inputs: done,
    seconds: Math.round(seconds * 10) / 10,
    perSecond: Math.round(done / seconds),
    ends: ends.size,
    slowestMs: Math.round(slowestMs * 10) / 10,
    findings,
  };
}

function tell(name: string, { text, input, small }: WorkerReport & { kind: "finding" }, partSeed: number): void {
  const directory = path.join(import.meta.dirname, "corpus", name);
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, createHash("sha256").update(small).digest("hex").slice(0, 12));
  writeFileSync(file, small);
  const shown = (bytes: Uint8Array) => JSON.stringify(Buffer.from(bytes).toString("latin1"));
  console.log(`FAIL ${name}, seed ${partSeed}: ${text}`);
  console.log(`  found with ${shown(input)}\n  smaller: ${shown(small)}\n  in ${file}`);
}

const startedAt = new Date();
const figures: Record<string, TargetFigures> = {};
const waiting = [...targets];
const work = async (): Promise<void> => {
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    figures[target.name] = await runTarget(target);
    console.log(`${target.name.padEnd(14)} ${JSON.stringify(figures[target.name])}`);
  }
};
await Promise.all(Array.from({ length: Number(values.workers) }, work));
const all = Object.values(figures);
const findings = all.reduce((sum, one) => sum + one.findings, 0);
const which = (values.target ?? []).map((name) => ` --target ${name}`).join("");
const command = `npm run fuzz --${which} --inputs ${inputs} --seed ${seed}`;
console.log(
  `${findings === 0 ? "ok  " : "FAIL"} ${command} (${((Date.now() - startedAt.getTime()) / 1000).toFixed(0)} s)`,
);
if (values.keep && findings === 0) {
  const total = all.reduce((sum, one) => sum + one.inputs, 0);
  console.log(
    `     kept in ${await keepResult("fuzz", command, startedAt, { inputs: total, findings, targets: figures })}`,
  );
}
process.exitCode = findings === 0 ? 0 : 1;
