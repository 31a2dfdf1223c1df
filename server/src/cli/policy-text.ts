// Policies, verdicts and evidence as people read them.
import type { EvidenceView, GateView, PolicyVerdictView, PolicyView } from "slipway/client";
import { comparisonText } from "./comparison-text.ts";
import { splitValues } from "./selected-values.ts";
import { moment, table, wrapped } from "./text.ts";

const WIDTH = 110;
const MARKS = { yes: "yes    ", no: "NO     ", unknown: "UNKNOWN" } as const;

/** Each requirement with its verdict, what was found and what to do, then the whole. */
export function verdictText({ verdict, requirements }: PolicyVerdictView): string {
  const lines = requirements.flatMap((one) => [
    `${MARKS[one.verdict]}  ${one.requirement}`,
    ...wrapped(one.text, WIDTH).map((line) => `         ${line}`),
    ...(one.remedy === null ? [] : wrapped(one.remedy, WIDTH).map((line) => `         ${line}`)),
  ]);
  const met = requirements.filter((one) => one.verdict === "yes").length;
  const passes = verdict === "yes" ? "It passes" : "It does not pass";
  return [...lines, "", `${passes}: ${met} of ${requirements.length} requirements are met.`].join("\n");
}

/** What the gate said of a launch, in a line. */
export function gateText(gate: GateView | null): string {
  if (gate === null) return "Ungated: no launch policy stands before this endpoint.";
  const { requirements, isOverridden } = gate;
  const met = requirements.filter(({ verdict }) => verdict === "yes").length;
  const share = `${met} of ${requirements.length} requirements of the launch policy are met`;
  return isOverridden ? `Overridden: only ${share}.` : `${share[0]!.toUpperCase()}${share.slice(1)}.`;
}

export function policiesText(policies: readonly PolicyView[]): string {
  if (policies.length === 0) {
    return 'No launch policies: every endpoint is ungated. Set one: slipway policy set ENDPOINT policy.yaml ("*" for all)';
  }
  return policies
    .map(({ endpoint, requirements, changedAt }) =>
      [
        `${endpoint === "*" ? "* (endpoints without one of their own)" : endpoint}, since ${moment(changedAt)}`,
        ...requirements.map((line) => `  - ${line}`),
      ].join("\n"),
    )
    .join("\n\n");
}

export function evidenceText(evidence: readonly EvidenceView[]): string {
  return evidence.map(oneText).join("\n\n");
}

function oneText(evidence: EvidenceView): string {
  const { kind, measuredAt, values, details, dataset, machine, method, hash } = evidence;
  if (kind === "comparison") return comparisonText(evidence, "This version");
  const { whole, lines } = splitValues(values);
  const rows = Object.entries(whole).map(([name, one]) => [
    `${kind}.${name}`,
    one.value === null ? "undefined" : `${numberText(one.value)}${unitText(one.unit)}`,
    one.interval === null ? "" : `${numberText(one.interval.lower)} to ${numberText(one.interval.upper)}`,
    one.value === null ? (one.reason ?? "") : one.method,
  ]);
  const on = [
    dataset === null ? null : dataset.split === null ? dataset.name : `${dataset.name}/${dataset.split}`,
    machine === null ? null : machine.name,
  ].filter((part) => part !== null);
  const where = on.length === 0 ? "" : ` on ${on.join(", ")}`;
  return [
    ...table(["what", "value", "interval", "method"], rows, "lrll"),
    ...lines,
    ...(lines.length === 0 ? [] : [""]),
    ...summaryOf(details).flatMap((line) => wrapped(line, WIDTH)),
    ...wrapped(`Measured ${moment(measuredAt)}${where}. ${method} Evidence ${hash.slice(0, 12)}.`, WIDTH),
  ].join("\n");
}

/** What a measurement says in plain words, where it does. */
function summaryOf(details: unknown): readonly string[] {
  const summary = (details as { readonly summary?: unknown } | null)?.summary;
  return Array.isArray(summary) ? summary.map(String) : [];
}

function numberText(value: number): string {
  return Number.isInteger(value)
    ? value.toString().replace(/\B(?=(\d{3})+$)/g, " ")
    : Number(value.toPrecision(5)).toString();
}

function unitText(unit: string): string {
  if (unit === "1") return "";
  return unit === "%" || unit === "/s" ? unit : ` ${unit}`;
}
