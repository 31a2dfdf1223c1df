// A comparison as people read it: the verdict in words, then both models' figures side by side.
import type { EvidenceView } from "slipway/client";
import { versionText } from "./endpoint-text.ts";
import { moment, table, wrapped } from "./text.ts";

const WIDTH = 110;
const DIGITS = 4;

type Value = EvidenceView["values"][string];

/** What of the details is shown; anything else there is for pictures. */
interface Shown {
  readonly figures: readonly { readonly name: string; readonly better: "more" | "less" | null }[];
  readonly summary: readonly string[];
  readonly against: { readonly name: string; readonly number: number };
}

/** @param candidate as people name it: "digits@2" */
export function comparisonText(evidence: EvidenceView, candidate: string): string {
  const { values, measuredAt, dataset, method, hash } = evidence;
  const { figures, summary, against } = evidence.details as Shown;
  const [verdict, ...more] = summary;
  const rows = figures.flatMap(({ name, better }) => {
    const of = (part: string): Value | undefined => values[`${name}.${part}`];
    const [difference, p] = [of("difference"), of("p")];
    if (difference === undefined) return [];
    return [
      [
        name,
        numberText(of("baseline")),
        numberText(of("candidate")),
        difference.value === null ? "undefined" : signed(difference.value),
        difference.interval === null
          ? ""
          : `${signed(difference.interval.lower)} to ${signed(difference.interval.upper)}`,
        pText(p),
        better === null ? "" : `${better} is better`,
        difference.value === null ? (difference.reason ?? "") : methodText(difference.method),
      ],
    ];
  });
  const on =
    dataset === null ? "" : ` on ${dataset.split === null ? dataset.name : `${dataset.name}/${dataset.split}`}`;
  const head = ["figure", versionText(against), candidate, "difference", "interval", "p", "", "method"];
  return [
    ...wrapped(`${candidate}: ${verdict}`, WIDTH),
    "",
    ...table(head, rows, "lrrrlrll"),
    "",
    ...more.flatMap((line) => wrapped(line, WIDTH)),
    ...wrapped(`Measured ${moment(measuredAt)}${on}. ${method} Evidence ${hash.slice(0, 12)}.`, WIDTH),
  ].join("\n");
}

/** How the interval was made; that a difference is the candidate's less the baseline's is said elsewhere. */
function methodText(method: string): string {
  return method.split("; ").at(-1)!;
}

function numberText(value: Value | undefined): string {
  return value === undefined || value.value === null ? "undefined" : Number(value.value.toPrecision(DIGITS)).toString();
}

function signed(value: number): string {
  if (value === 0) return "0";
  return `${value < 0 ? "−" : "+"}${Number(Math.abs(value).toPrecision(3))}`;
}

function pText(p: Value | undefined): string {
  if (p === undefined || p.value === null) return "";
  if (p.value < 0.0001) return "< 0.0001";
  // The least that so many resamples can tell.
  const isFloor = p.method.includes("none below");
  return `${isFloor ? "≤ " : ""}${Number(p.value.toPrecision(2))}`;
}
