// A report in sentences: what is known, what is not, what is stale. Each sentence has its number, its interval, and what it was
// measured on; nothing is rounded into a verdict.
import type { JsonObject, MeasuredValue } from "#registry";
import { datasetText } from "./evidence.ts";
import { amountText, numberText, shareText, unitText } from "./numbers.ts";
import type { Report, ReportSummary, StandingEvidence, Unmeasured } from "./report.ts";

interface Headline {
  /** The metric's name within its kind. */
  readonly metric: string;
  readonly words: string;
  /** Ratios that people say in per cent. */
  readonly isShare?: boolean;
}

/** What a summary says of each kind, in this order; of others what they say of themselves first, else their first values. */
const HEADLINES: Readonly<Record<string, readonly Headline[]>> = {
  quality: [
    { metric: "accuracy", words: "Accuracy", isShare: true },
    { metric: "balanced-accuracy", words: "Balanced accuracy", isShare: true },
    { metric: "auc", words: "The area under the ROC curve" },
    { metric: "calibration-error", words: "The expected calibration error" },
    { metric: "mae", words: "The mean absolute error" },
    { metric: "rmse", words: "The root mean squared error" },
    { metric: "r2", words: "R²" },
  ],
  latency: [
    { metric: "p50", words: "The median latency" },
    { metric: "p99", words: "The 99th percentile of latency" },
    { metric: "cold-start", words: "Loading and the first run" },
  ],
  throughput: [
    { metric: "rate", words: "The highest throughput" },
    { metric: "capacity", words: "The capacity" },
  ],
  memory: [
    { metric: "resident", words: "The memory the model adds to a runner" },
    { metric: "peak", words: "The memory it adds at the peak of its runs" },
  ],
  size: [
    { metric: "file", words: "The size of the files" },
    { metric: "parameters", words: "The number of parameters" },
  ],
  compute: [
    { metric: "macs", words: "The work of one run" },
    { metric: "activations", words: "The memory of activations, reused nowhere," },
  ],
};
const MOST_OF_UNKNOWN_KIND = 2;

export function summarise(
  evidence: readonly StandingEvidence[],
  unmeasured: readonly Unmeasured[],
  gates: Report["gates"],
): ReportSummary {
  const standing = evidence.filter((one) => one.standing !== "superseded");
  const missing = gates.flatMap(({ endpoint, judged }) =>
    (judged?.requirements ?? [])
      .filter(({ verdict }) => verdict === "unknown")
      .map(({ requirement, text }) => `The launch policy of ${endpoint} asks for “${requirement}”: ${lowered(text)}`),
  );
  return {
    known: standing.filter((one) => one.standing === "current").flatMap(sentences),
    unknown: [
      ...missing,
      ...standing.flatMap(undefinedSentences),
      ...unmeasured
        .filter(({ kind }) => !missing.some((sentence) => sentence.includes(`"${kind}" was not measured`)))
        .map(({ kind, about }) => `${kind} was not measured. ${about}`),
    ],
    stale: standing
      .filter((one) => one.standing === "stale")
      .map((one) => `${one.kind}${on(one)}: ${lowered(one.reason ?? "")}`),
  };
}

function sentences(one: StandingEvidence): readonly string[] {
  const known = (HEADLINES[one.kind] ?? []).filter(({ metric }) => isKnown(one.values[metric]));
  const [said] = ownSummary(one.details);
  if (known.length === 0 && said !== undefined) return [`${capital(one.kind)}${on(one)}: ${said}`];
  const first = Object.keys(one.values)
    .filter((metric) => isKnown(one.values[metric]))
    .slice(0, MOST_OF_UNKNOWN_KIND)
    .map((metric): Headline => ({ metric, words: `${one.kind}.${metric}` }));
  const found = known.length > 0 ? known : first;
  return found.map(({ metric, words, isShare = false }) => {
    const value = one.values[metric]!;
    const rows = value.count === null || one.dataset === null ? "" : `, over ${numberText(value.count)} rows`;
    return `${words} is ${valueText(value, isShare)}${on(one)}${rows}.`;
  });
}

/** `99.4 % (95 % interval: 98.3 % to 99.8 %)`. */
function valueText({ value, unit, interval }: MeasuredValue, isShare: boolean): string {
  const say = (amount: number) => (isShare && unit === "1" ? shareText(amount) : amountText(amount, unit));
  if (interval === null) return say(value!);
  return `${say(value!)} (${shareText(interval.level)} interval: ${say(interval.lower)} to ${say(interval.upper)})`;
}

function undefinedSentences(one: StandingEvidence): readonly string[] {
  return Object.entries(one.values)
    .filter(([metric, { value }]) => value === null && !metric.includes("["))
    .map(
      ([metric, { reason, unit }]) =>
        `${one.kind}.${metric}${unit === "1" ? "" : ` in${unitText(unit)}`} is undefined${on(one)}: ${reason}.`,
    );
}

function isKnown(value: MeasuredValue | undefined): boolean {
  return value !== undefined && value.value !== null;
}

function on(one: StandingEvidence): string {
  const data = datasetText(one);
  const parts = [
    data === null ? null : `on ${data}`,
    one.machine === null ? null : `on the machine ${one.machine.name}`,
  ];
  const text = parts.filter((part) => part !== null).join(", ");
  return text === "" ? "" : ` ${text}`;
}

/** What a measurement says in plain words, where it does. */
export function ownSummary({ summary }: JsonObject): readonly string[] {
  return Array.isArray(summary) ? summary.filter((line) => typeof line === "string") : [];
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function lowered(text: string): string {
  return text === "" || text.startsWith('"') ? text : text[0]!.toLowerCase() + text.slice(1);
}
