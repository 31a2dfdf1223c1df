// What a tuning measured and what it came to, as data and as people read it.
import {
  changesOf,
  type Circumstances,
  type Dimension,
  DIMENSIONS,
  effectOf,
  LEAST_GAIN,
  LEAST_PAIRS,
  type Candidate,
  type RaceResult,
  type Spread,
  valueIn,
  type Verdict,
} from "#lab/tune";
import type { SettingsTree } from "../deployment-flags.ts";
import { treeOf } from "../stand/stand.ts";
import { columns, count, duration, size, table } from "../text.ts";

export interface TuneReport {
  readonly model: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly totalMemoryBytes: number;
    readonly system: string;
    readonly node: string;
    readonly backend: string;
  };
  readonly load: {
    /** Null for the highest throughput. */
    readonly objective: { readonly quantile: number; readonly latencyMs: number } | null;
    /** Clients of a closed loop, connections of an open one. */
    readonly connections: number;
    /** The file that was sent; null for made-up inputs. */
    readonly payload: string | null;
    readonly rows: number;
    readonly isBinary: boolean;
    readonly seed: number;
    readonly requestBytes: number;
    readonly responseBytes: number;
  };
  readonly budgetMs: number;
  readonly tookMs: number;
  readonly candidates: readonly CandidateReport[];
  readonly verdict: Verdict & {
    /** The candidate that was measured against the current one in pairs; null where none was left. */
    readonly challenger: SettingsTree | null;
  };
  /** What to change; null where nothing was better beyond the noise. */
  readonly recommendation: SettingsTree | null;
  /** Whether all of it is in effect now. */
  readonly isApplied: boolean;
  /** How to put what is not in effect into it by hand: command lines. */
  readonly commands: readonly string[];
  /** The same as lines of slipway.yaml. */
  readonly yaml: readonly string[];
  /** What the figures are limited by, for people. */
  readonly notes: readonly string[];
}

export interface CandidateReport {
  readonly settings: SettingsTree;
  /** What the settings come to on this machine, by key. */
  readonly effects: Candidate;
  readonly isCurrent: boolean;
  /** Whether it was measured against the current settings in pairs. */
  readonly isChallenger: boolean;
  readonly requestsPerSecond: Spread | null;
  /** Over the current settings in the same pass. */
  readonly ratio: Spread | null;
  readonly measurements: number;
  /** The last round it took part in; 0 for none. */
  readonly rounds: number;
  readonly failure: string | null;
}

/** The candidates as they are reported. */
export function candidatesFrom(
  { standings, challenger }: RaceResult<Candidate>,
  circumstances: Circumstances,
): CandidateReport[] {
  return standings.map(({ entry, isCurrent, value, ratio, samples, rounds, failure }) => ({
    settings: treeOf(entry),
    effects: Object.fromEntries(
      DIMENSIONS.map((dimension) => [dimension.key, effectOf(dimension, entry, circumstances)]),
    ),
    isCurrent,
    isChallenger: entry === challenger,
    requestsPerSecond: value,
    ratio,
    measurements: samples,
    rounds,
    failure,
  }));
}

/** What a candidate changes. */
export function changesTree(candidate: Candidate, current: Candidate): SettingsTree {
  return treeOf(candidate, changesOf(candidate, current));
}

/** The report as people read it. */
export function tuneText(report: TuneReport): string {
  const { model, machine, candidates, notes } = report;
  return [
    `${model} on ${machine.cores} ${machine.cores === 1 ? "core" : "cores"} (${machine.cpu}), ${size(machine.totalMemoryBytes)}, ${machine.system}, Node ${machine.node}, ${machine.backend}`,
    "",
    ...columns([
      ["looked for", goalText(report.load)],
      ["sent", payloadText(report.load)],
      [
        "measured",
        `${count(candidates.length)} candidates in ${duration(report.tookMs)} of ${duration(report.budgetMs)}`,
      ],
    ]),
    "",
    ...candidateTable(candidates),
    "",
    ...verdictLines(report),
    ...notes.flatMap((note) => ["", note]),
  ].join("\n");
}

function goalText({ objective, connections }: TuneReport["load"]): string {
  if (objective === null) return `the highest throughput of ${count(connections)} waiting clients (closed loop)`;
  const percentile = `p${String(objective.quantile * 100).slice(0, 4)}`;
  return `the highest rate with ${percentile} of at most ${duration(objective.latencyMs)} (open loop, ${count(connections)} connections)`;
}

function payloadText({ payload, rows, isBinary, seed, requestBytes, responseBytes }: TuneReport["load"]): string {
  const what =
    payload ??
    `${count(rows)} made-up ${rows === 1 ? "row" : "rows"} a request (seed ${seed}), ${isBinary ? "binary" : "JSON"}`;
  return `${what}; ${size(requestBytes)} out, ${size(responseBytes)} back`;
}

function candidateTable(candidates: readonly CandidateReport[]): string[] {
  const head = [
    ...DIMENSIONS.map(({ title }) => title),
    "requests/s",
    "range",
    "over current",
    "range",
    "measured",
    "",
  ];
  const rows = candidates.map((candidate) => [
    ...DIMENSIONS.map((dimension) => cellText(candidate, dimension)),
    candidate.requestsPerSecond === null ? "–" : count(candidate.requestsPerSecond.median),
    candidate.requestsPerSecond === null ? "" : rangeText(candidate.requestsPerSecond, count),
    candidate.ratio === null ? "–" : ratioText(candidate.ratio.median),
    candidate.ratio === null || candidate.isCurrent ? "" : rangeText(candidate.ratio, ratioText),
    `${count(candidate.measurements)} ×`,
    candidate.isCurrent ? "current" : (candidate.failure ?? (candidate.isChallenger ? "challenger" : "")),
  ]);
  return table(head, rows, `${"r".repeat(DIMENSIONS.length)}rlrlrl`);
}

/** A setting's value; where 0 has the machine decide, what that comes to. */
function cellText({ settings, effects }: CandidateReport, { key }: Dimension): string {
  const [group, name] = key.split(".") as [string, string];
  const value = settings[group]?.[name];
  return value === 0 ? String(valueIn(effects, key)) : `${value as number}`;
}

function verdictLines({ verdict, recommendation, isApplied, commands, yaml }: TuneReport): string[] {
  const { challenger, ratio, pairs, wins, winsNeeded, chance } = verdict;
  if (challenger === null || ratio === null || winsNeeded === null) {
    const why =
      challenger === null
        ? "there was no other candidate to compare them with"
        : `${pairs} pairs of measurements can't tell a gain from noise, ${LEAST_PAIRS} or more can: give a longer --budget`;
    return [`Keep the current settings: ${why}.`];
  }
  const what = settingsText(challenger);
  const measured = `${ratioText(ratio.median)} × the current settings (${rangeText(ratio, ratioText)}), ahead in ${wins} of ${pairs} pairs`;
  const rule = `A change is recommended from ${winsNeeded} of ${pairs} and a gain of ${LEAST_GAIN * 100} % on, in pairs measured after the candidate was chosen.`;
  if (recommendation === null) {
    return [
      `Keep the current settings: no other was better beyond the noise. The best, ${what}, came to ${measured}.`,
      rule,
    ];
  }
  const first = `Recommended: ${what}. It came to ${measured}, which chance alone brings in ${percent(chance)} of cases.`;
  if (isApplied) return [first, rule, "", "Applied."];
  return [
    first,
    rule,
    "",
    ...commands.map((line) => `  ${line}`),
    "",
    "or in slipway.yaml:",
    "",
    ...yaml.map((line) => `  ${line}`),
  ];
}

function settingsText(settings: SettingsTree): string {
  return Object.entries(settings)
    .flatMap(([group, values]) => Object.entries(values).map(([name, value]) => `${group}.${name} ${String(value)}`))
    .join(", ");
}

function rangeText({ low, high }: Spread, text: (value: number) => string): string {
  return `${text(low)} to ${text(high)}`;
}

function ratioText(ratio: number): string {
  return Number.isFinite(ratio) ? ratio.toFixed(2) : "∞";
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
