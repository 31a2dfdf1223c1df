// The search for the highest rate, to and from what people write and read.
import { SlipwayError } from "@slipway/core/base";
import { type Found, type Objective, PERCENTILES, type Trial } from "#load";
import { type CommandOptions, textOption } from "../command.ts";
import { columns, count, duration } from "../text.ts";

/**
 * The objective that `--p99 20ms` and its like state; null where none is.
 * @throws SlipwayError USAGE
 */
export function objectiveFrom(options: CommandOptions): Objective | null {
  const given = Object.entries(PERCENTILES).filter(([name]) => options[name] !== undefined);
  if (given.length > 1) throw new SlipwayError("USAGE", "Give one objective: --p50, --p90, --p99 or --p999.");
  const [first] = given;
  if (first === undefined) return null;
  const [name, [quantile]] = first;
  const text = textOption(options, name)!;
  const latencyMs = latencyFromText(text);
  if (latencyMs === undefined || latencyMs <= 0) {
    throw new SlipwayError("USAGE", `--${name} is "${text}"; it must be a duration such as 20ms or 500us.`);
  }
  return { quantile, latencyMs };
}

/** Settings are whole milliseconds; a small model answers in a part of one. */
const LATENCY_UNITS: Readonly<Record<string, number>> = { us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, min: 6e4, "": 1 };

/** `20ms`, `0.5 ms`, `500us`, `2s`; a plain number counts milliseconds. */
function latencyFromText(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-zµ]*)$/i.exec(text.trim()) ?? [];
  const factor = LATENCY_UNITS[unit.toLowerCase()];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/** `840/s: p99 12.4 ms, met` */
export function trialText(trial: Trial, isMet: boolean, objective: Objective): string {
  const latency = trial.latencyMs === null ? "no answer" : duration(trial.latencyMs);
  const failed = trial.failures === 0 ? "" : `, ${count(trial.failures)} failed`;
  return `${count(trial.ratePerSecond)}/s: ${percentileName(objective)} ${latency}${failed}, ${isMet ? "met" : "missed"}`;
}

export function foundText(found: Found): string {
  const { objective, ratePerSecond, missedAtRate } = found;
  const goal = `${percentileName(objective)} of at most ${duration(objective.latencyMs)}`;
  const lines =
    ratePerSecond === null
      ? [`No rate met ${goal}.`]
      : [
          `Up to ${count(ratePerSecond)} requests/s meet ${goal}${missedAtRate === null ? "" : `; ${count(missedAtRate)} miss it`}.`,
        ];
  if (found.end === "too-many-trials")
    lines.push("The search ended early, after its most tests: the true limit may differ.");
  if (found.end === "generator-limit") {
    lines.push("The generator was short of CPU in a test that missed: the server's own limit may be higher.");
  }
  return [...lines, "", ...trialsTable(found)].join("\n");
}

/** Every rate tried, with the range its tests spread over: what the answer is worth. */
function trialsTable(found: Found): string[] {
  const byRate = Map.groupBy(found.trials, (trial) => trial.ratePerSecond);
  const rows = [...byRate]
    .sort(([a], [b]) => a - b)
    .map(([rate, trials]) => {
      const latencies = trials.map((trial) => trial.latencyMs).filter((ms) => ms !== null);
      const range =
        latencies.length === 0
          ? "no answer"
          : `${duration(Math.min(...latencies))} to ${duration(Math.max(...latencies))}`;
      return [`${count(rate)}/s`, `${trials.filter((trial) => trial.isMet).length} of ${trials.length} met`, range];
    });
  return columns([["rate", "tests", percentileName(found.objective)], ...rows], "rrl");
}

function percentileName(objective: Objective): string {
  return `p${String(objective.quantile * 100).slice(0, 4)}`;
}
