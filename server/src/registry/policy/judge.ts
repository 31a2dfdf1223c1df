// What evidence says of a policy, in three values: yes, no, unknown. Only yes passes: what was not measured, is too old,
// was measured elsewhere or came out undefined is unknown, which never passes.
import { unreachable } from "@slipway/core/base";
import type { Evidence, MeasuredValue, ValueInterval } from "../evidence.ts";
import type { Policy } from "./policy.ts";
import type { Requirement } from "./requirement.ts";
import { fromBase, toBase, unitNamed } from "./units.ts";

export type Verdict = "yes" | "no" | "unknown";

export interface RequirementVerdict {
  readonly requirement: string;
  readonly verdict: Verdict;
  /** The number that was compared, in the requirement's unit; null where there is none. */
  readonly found: number | null;
  readonly needed: number;
  readonly unit: string;
  /** How far `found` is on the right side (positive) or the wrong one (negative), in the requirement's unit. */
  readonly margin: number | null;
  /** What was looked at; null where there is nothing. */
  readonly evidenceId: string | null;
  /** For people: what was found, by how much it falls short, or why nothing is known. */
  readonly text: string;
  /** For people: what to do where it is not yes. */
  readonly remedy: string | null;
}

export interface PolicyVerdict {
  /** yes where all are; no where any is; else unknown. */
  readonly verdict: Verdict;
  readonly requirements: readonly RequirementVerdict[];
}

export interface Judging {
  /** As the CLI takes it, for remedies: "digits@3". */
  readonly subject: string;
  /** In wall-clock milliseconds. */
  readonly now: number;
  /** Fingerprint of the machine that asks. */
  readonly machine: string;
}

/** Which result a kind is known for, where a requirement names none. */
const HEADLINES: Readonly<Record<string, string>> = {
  size: "file",
  compute: "macs",
  comparison: "accuracy.difference",
  memory: "peak",
  energy: "run",
};

/** What a unit nobody here knows is taken for. */
const PLAIN = unitNamed("1")!;

/** @param evidence all there is of the version, in any order */
export function judgePolicy(policy: Policy, evidence: readonly Evidence[], judging: Judging): PolicyVerdict {
  const requirements = policy.requirements.map((requirement) => judge(requirement, policy, evidence, judging));
  return { verdict: worst(requirements.map(({ verdict }) => verdict)), requirements };
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("no")) return "no";
  return verdicts.includes("unknown") ? "unknown" : "yes";
}

function judge(
  requirement: Requirement,
  policy: Policy,
  evidence: readonly Evidence[],
  judging: Judging,
): RequirementVerdict {
  const { kind, threshold, bound } = requirement;
  const metric = requirement.metric ?? HEADLINES[kind] ?? null;
  const unit = unitNamed(requirement.unit)!;
  const unknown = (evidenceId: string | null, text: string, remedy: string): RequirementVerdict => ({
    requirement: requirement.text,
    verdict: "unknown",
    found: null,
    needed: fromBase(threshold, unit),
    unit: requirement.unit,
    margin: null,
    evidenceId,
    text,
    remedy,
  });
  const measure = measureCommand(requirement, judging.subject);
  if (metric === null) {
    const known = [...new Set(evidence.filter((one) => one.kind === kind).flatMap((one) => Object.keys(one.values)))];
    const names = known.length === 0 ? "" : `; ${kind} has ${known.join(", ")}`;
    return unknown(null, `It does not say which result of "${kind}" is meant${names}.`, `Write ${kind}.METRIC.`);
  }
  const latest = newest(evidence.filter((one) => isMeant(one, requirement, metric, judging)));
  if (latest === undefined) return unknown(null, whyNone(requirement, metric, evidence, judging), measure);
  const freshWithinMs = requirement.freshWithinMs ?? policy.freshWithinMs;
  const ageMs = judging.now - latest.measuredAt;
  if (freshWithinMs !== null && ageMs > freshWithinMs) {
    return unknown(
      latest.id,
      `It was measured ${duration(ageMs)} ago, and may be ${duration(freshWithinMs)} old.`,
      `Measure again: ${measure}`,
    );
  }
  const measured = latest.values[metric]!;
  const measuredUnit = unitNamed(measured.unit) ?? PLAIN;
  if (requirement.quantity !== null && requirement.quantity !== measuredUnit.quantity) {
    return unknown(
      latest.id,
      `${kind}.${metric} is in "${measured.unit}", which can't be compared with "${requirement.unit}".`,
      `Write the number in "${measured.unit}".`,
    );
  }
  const raw = boundOf(measured, bound);
  if (raw === null) {
    const why = measured.value === null ? measured.reason : `it has no interval, so no ${bound} end`;
    return unknown(
      latest.id,
      `${kind}.${metric} is undefined: ${(why ?? "no reason was given").replace(/\.$/, "")}.`,
      measure,
    );
  }
  const inBase = toBase(raw, measuredUnit);
  const isMet = holds(inBase, requirement);
  const found = fromBase(inBase, unit);
  const needed = fromBase(threshold, unit);
  const wants = requirement.comparison.startsWith(">");
  const margin = wants ? found - needed : needed - found;
  return {
    requirement: requirement.text,
    verdict: isMet ? "yes" : "no",
    found,
    needed,
    unit: requirement.unit,
    margin,
    evidenceId: latest.id,
    text: foundText(requirement, metric, measured, found, margin, isMet),
    remedy: isMet ? null : improvement(requirement, judging.subject),
  };
}

/** Whether a piece of evidence is about what the requirement asks for. */
function isMeant(
  one: Evidence,
  { kind, dataset, against, machine }: Requirement,
  metric: string,
  judging: Judging,
): boolean {
  if (one.kind !== kind || !Object.hasOwn(one.values, metric)) return false;
  if (against !== null) {
    const rival = rivalOf(one);
    if (rival?.name !== against.name) return false;
    if (against.number !== null && rival.number !== against.number) return false;
  }
  if (dataset !== null) {
    if (one.dataset?.name !== dataset.name) return false;
    if (dataset.split !== null && one.dataset.split !== dataset.split) return false;
  }
  if (machine === "this") return one.machine?.fingerprint === judging.machine;
  return machine === null || one.machine?.name === machine.name;
}

/** What a comparison was with. */
function rivalOf({ settings }: Evidence): { readonly name: string; readonly number: number } | null {
  const against = settings["against"] as { readonly name?: unknown; readonly number?: unknown } | null | undefined;
  const [name, number] = [against?.name, against?.number];
  return typeof name === "string" && typeof number === "number" ? { name, number } : null;
}

function newest(evidence: readonly Evidence[]): Evidence | undefined {
  return evidence.reduce<Evidence | undefined>(
    (best, one) => (best === undefined || one.measuredAt > best.measuredAt ? one : best),
    undefined,
  );
}

/** Says why nothing counts, going from what is there of the kind to what the requirement narrows it to. */
function whyNone(requirement: Requirement, metric: string, evidence: readonly Evidence[], judging: Judging): string {
  const { kind, dataset, against, machine } = requirement;
  const ofKind = evidence.filter((one) => one.kind === kind);
  if (ofKind.length === 0) return `"${kind}" was not measured.`;
  const withMetric = ofKind.filter((one) => Object.hasOwn(one.values, metric));
  if (withMetric.length === 0) {
    const names = [...new Set(ofKind.flatMap((one) => Object.keys(one.values)))].sort();
    return `"${kind}" was measured, without "${metric}"; it has ${names.slice(0, 12).join(", ")}.`;
  }
  const isAny = (less: Partial<Requirement>) =>
    withMetric.some((one) => isMeant(one, { ...requirement, machine: null, ...less }, metric, judging));
  if (against !== null && !isAny({ dataset: null })) {
    const rivals = withMetric
      .map(rivalOf)
      .map((rival) => (rival === null ? "nothing" : `${rival.name}@${rival.number}`));
    return `"${kind}" was not measured against ${versionText(against)}, but against ${[...new Set(rivals)].join(", ")}.`;
  }
  if (dataset !== null && !isAny({})) {
    const where = [...new Set(withMetric.map((one) => datasetText(one.dataset)))].join(", ");
    return `"${kind}" was not measured on ${datasetText(dataset)}, but on ${where}.`;
  }
  const on = machine === "this" ? "this machine" : `the machine "${machine!.name}"`;
  const where = [...new Set(withMetric.map((one) => one.machine?.name ?? "no machine in particular"))].join(", ");
  return `"${kind}" was not measured on ${on}, but on ${where}.`;
}

function datasetText(dataset: { readonly name: string; readonly split: string | null } | null): string {
  if (dataset === null) return "no dataset";
  return dataset.split === null ? dataset.name : `${dataset.name}/${dataset.split}`;
}

function versionText({ name, number }: { readonly name: string; readonly number: number | null }): string {
  return number === null ? name : `${name}@${number}`;
}

function boundOf({ value, interval }: MeasuredValue, bound: Requirement["bound"]): number | null {
  if (bound === "value") return value;
  return interval === null ? null : interval[bound];
}

function holds(value: number, { comparison, threshold }: Requirement): boolean {
  switch (comparison) {
    case ">=":
      return value >= threshold;
    case ">":
      return value > threshold;
    case "<=":
      return value <= threshold;
    case "<":
      return value < threshold;
    default:
      return unreachable(comparison);
  }
}

function foundText(
  { kind, bound, unit, comparison, threshold }: Requirement,
  metric: string,
  measured: MeasuredValue,
  found: number,
  margin: number,
  isMet: boolean,
): string {
  const which = bound === "value" ? "" : `, ${bound} end of its ${intervalText(measured.interval!)},`;
  const is = `${kind}.${metric}${which} is ${numberText(found)}${unitText(unit)}`;
  if (isMet) return bound === "value" ? `${is}${doubt(measured, comparison, threshold)}.` : `${is}.`;
  return `${is}: ${comparison.startsWith(">") ? "short" : "over"} by ${numberText(Math.abs(margin))}${unitText(unit)}.`;
}

/** Where the estimate passes and its interval reaches to the other side, people should know. */
function doubt({ interval, unit }: MeasuredValue, comparison: string, threshold: number): string {
  if (interval === null) return "";
  const measuredUnit = unitNamed(unit) ?? PLAIN;
  const worstEnd = comparison.startsWith(">") ? interval.lower : interval.upper;
  const isIn = comparison.startsWith(">")
    ? toBase(worstEnd, measuredUnit) >= threshold
    : toBase(worstEnd, measuredUnit) <= threshold;
  if (isIn) return "";
  return `, though its ${intervalText(interval)} reaches ${numberText(worstEnd)}${unitText(unit)}`;
}

function improvement({ kind, comparison }: Requirement, subject: string): string {
  const direction = comparison.startsWith(">") ? "raises" : "lowers";
  return `Deploy a version that ${direction} it, change the policy, or override it with --override and a reason. What was measured: slipway measure ${subject} ${kind} --show`;
}

function measureCommand({ kind, dataset, against }: Requirement, subject: string): string {
  const data = dataset === null ? "" : ` --data ${datasetText(dataset)}`;
  if (kind === "comparison") {
    return `slipway compare ${against === null ? "BASELINE" : versionText(against)} ${subject}${data}`;
  }
  return `slipway measure ${subject} ${kind}${data}`;
}

function numberText(value: number): string {
  return Number(value.toPrecision(6)).toString();
}

function unitText(unit: string): string {
  if (unit === "1") return "";
  return unit === "%" || unit === "/s" ? unit : ` ${unit}`;
}

function intervalText({ level, isRange }: ValueInterval): string {
  return isRange === true ? "range" : `${percent(level)} interval`;
}

function percent(level: number): string {
  return `${Number((100 * level).toPrecision(4))} %`;
}

function duration(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
  ] as const;
  const [name, factor] = units.find(([, size]) => ms >= size) ?? (["s", 1000] as const);
  return `${Number((ms / factor).toPrecision(3))} ${name}`;
}
