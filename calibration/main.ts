// `npm run calibration`: whether intervals cover and tests err as often as they say, by seeded simulation, beside what is
// computed exactly. `latency`, on real models instead, is asked for by name (latency.ts). Ends with 1
// where something is outside its bounds. --keep writes the table of docs/statistics.md.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { calibrate, type Outcome } from "./calibration.ts";
import { intervalCalibrations } from "./intervals.ts";
import { calibrateLatency } from "./latency.ts";
import { cells, HEAD, KEPT, type KeptCalibration } from "./results.ts";
import { testCalibrations } from "./tests.ts";

const SHORT_TRIALS = 2000;
const LONG_TRIALS = 20_000;

async function calibrateStatistics(arguments_: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...arguments_],
    options: {
      short: { type: "boolean", default: false },
      trials: { type: "string" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });

  const trials = wholeNumber(
    "trials",
    values.trials ?? String(values.short ? SHORT_TRIALS : LONG_TRIALS),
    SHORT_TRIALS,
  );
  const seed = wholeNumber("seed", values.seed, 0);
  const started = performance.now();
  const chosen = [...intervalCalibrations(), ...testCalibrations()].filter(
    ({ method }) => values.only === undefined || method.toLowerCase().includes(values.only.toLowerCase()),
  );
  const WIDTHS = [28, 40, 9, 9, 20, 20];
  const printed = (row: readonly string[]) => row.map((cell, index) => cell.padEnd(WIDTHS[index]!)).join("");
  console.log(`     ${printed(HEAD)}`);
  const outcomes: Outcome[] = [];
  for (const calibration of chosen) {
    const outcome = calibrate(calibration, trials, seed);
    outcomes.push(outcome);
    console.log(`${outcome.holds ? "ok  " : "FAIL"} ${printed(cells(outcome))}`);
  }
  const outside = outcomes.filter(({ holds }) => !holds).length;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${outcomes.length} calibrations of ${trials} trials, seed ${seed}: ${outside} outside (${seconds} s)`);
  if (values.keep && values.only === undefined) {
    const command = `npm run calibration -- --trials ${trials} --seed ${seed}`;
    writeFileSync(KEPT, `${JSON.stringify({ command, outcomes } satisfies KeptCalibration, null, 1)}\n`);
  }
  process.exitCode = outside === 0 && outcomes.length > 0 ? 0 : 1;
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`--${flag} is "${text}"; give a whole number of at least ${least}.`);
  }
  return value;
}

const [first, ...rest] = process.argv.slice(2);
await (first === "latency" ? calibrateLatency(rest) : calibrateStatistics(process.argv.slice(2)));
