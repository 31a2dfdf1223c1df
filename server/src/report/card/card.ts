// A model card (Mitchell et al., FAT* 2019) in Markdown, from evidence. What people have to say of a model, its intended use,
// its limits, whom it affects, is no evidence; the card says that it is not stated rather than filling it in.
import type { Chart } from "../charts/chart.ts";
import type { ComparedVerdict, Comparison } from "../comparison.ts";
import { datasetText } from "../evidence.ts";
import { amountText, exactText, intervalText, momentText, numberText, shareText, unitText } from "../numbers.ts";
import { type Report, type ReportGate, type StandingEvidence, subjectText } from "../report.ts";
import { code, list, plain, table } from "./markdown.ts";
import { cardMetadata, taskOf } from "./metadata.ts";

export interface CardContent {
  readonly report: Report;
  readonly charts: readonly Chart[];
  readonly comparison: Comparison | null;
  /** Where the charts' SVG files lie, relative to the card, each named by its chart's id; null shows none. */
  readonly pictures: string | null;
}

const VERDICTS: Readonly<Record<ComparedVerdict, string>> = {
  better: "▲ better",
  worse: "▼ worse",
  different: "≠ different",
  equal: "= equal",
  undecided: "~ undecided",
  incomparable: "– not comparable",
};
const MARKS = { yes: "✓ met", no: "✗ not met", unknown: "? unknown" } as const;

export function renderCard(content: CardContent): string {
  const { report, comparison } = content;
  const { subject, summary, madeAt } = report;
  const note = subject.note === null ? [] : [plain(subject.note)];
  const standing = report.evidence.filter((one) => one.standing !== "superseded");
  const parts = [
    `---\n${cardMetadata(report)}---`,
    `# ${plain(subjectText(subject))}`,
    ...note,
    `${taskOf(report).name}. ONNX, ${numberText(report.model.parameterCount)} parameters, ${amountText(report.model.sizeBytes, "B")}. Registered ${momentText(subject.createdAt)} from ${plain(subject.source)}. This card was made ${momentText(madeAt)} by Slipway ${plain(report.code["slipway"] ?? "")} from evidence alone; every number has its method and is kept under a hash.`,
    "## What is known",
    list(summary.known.map(plain), "Nothing was measured yet."),
    "## What is not known",
    list(summary.unknown.map(plain), "All that can be measured was."),
    ...(summary.stale.length === 0 ? [] : ["## What is stale", list(summary.stale.map(plain), "")]),
    ...(comparison === null ? [] : comparisonParts(comparison, content)),
    "## Evaluation",
    ...(standing.length === 0 ? ["Nothing was measured yet."] : standing.flatMap((one) => evidenceParts(one, content))),
    "## Launch policy",
    ...report.gates.flatMap(gateParts),
    "## Use",
    "Intended uses, uses out of scope, who is affected, and ethical considerations are not stated: they are for people to say, and no measurement finds them. Training data is not stated either, unless it is in the lineage below.",
    "## The model",
    ...modelParts(report),
    "## Where it comes from",
    lineageTable(report),
  ];
  return `${parts.join("\n\n")}\n`;
}

function evidenceParts(one: StandingEvidence, content: CardContent): readonly string[] {
  const { kind, method, values, machine, measuredAt, hash, reason, standing } = one;
  const data = datasetText(one);
  const whole = Object.entries(values).filter(([metric]) => !metric.includes("["));
  const rows = whole.map(([metric, value]) => [
    plain(metric),
    value.value === null ? "undefined" : exactText(value.value, value.unit),
    value.interval === null ? "–" : `${intervalText(value)} (${shareText(value.interval.level)})`,
    value.count === null ? "–" : numberText(value.count),
    plain(value.value === null ? (value.reason ?? "") : value.method),
  ]);
  const parts = Object.keys(values).length - whole.length;
  const where = machine === null ? "" : ` on the machine ${plain(machine.name)}`;
  return [
    `### ${plain(kind)}${data === null ? "" : ` on ${plain(data)}`}`,
    ...(standing === "stale" ? [`**Stale.** ${plain(reason ?? "")}`] : []),
    plain(method),
    table(["what", "value", "interval", "of", "method"], "lrrrl", rows),
    ...(parts === 0 ? [] : [`${parts} more values by part are in the evidence.`]),
    ...picturesOf(one.id, content),
    `Measured ${momentText(measuredAt)}${where}. Evidence ${code(hash)}.`,
  ];
}

/** @param of a piece of evidence; null for those of both versions */
function picturesOf(of: string | null, { charts, pictures }: CardContent): readonly string[] {
  if (pictures === null) return [];
  return charts
    .filter(({ evidenceId }) => evidenceId === of)
    .map(({ id, title, description }) => `![${plain(`${title}. ${description}`)}](<${pictures}/${id}.svg>)`);
}

function gateParts({ endpoint, isLive, judged }: ReportGate): readonly string[] {
  const live = isLive ? " It is live there." : "";
  if (judged === null) return [`Endpoint ${plain(endpoint)}: ungated, no launch policy stands before it.${live}`];
  const { verdict, requirements } = judged;
  const met = requirements.filter((one) => one.verdict === "yes").length;
  return [
    `Endpoint ${plain(endpoint)}: ${verdict === "yes" ? "it passes" : "it does not pass"}, ${met} of ${requirements.length} requirements are met.${live}`,
    table(
      ["requirement", "verdict", "found", "why"],
      "llrl",
      requirements.map((one) => [
        code(one.requirement),
        MARKS[one.verdict],
        one.found === null ? "–" : `${numberText(one.found)}${unitText(one.unit)}`,
        plain(one.text),
      ]),
    ),
  ];
}

function comparisonParts(
  { first, second, values, paired, facts }: Comparison,
  content: CardContent,
): readonly string[] {
  const [one, other] = [plain(subjectText(first)), plain(subjectText(second))];
  const side = (value: Comparison["values"][number]["first"]) =>
    value === null ? "–" : value.value === null ? "undefined" : exactText(value.value, value.unit);
  const both = values.filter((value) => value.first !== null && value.second !== null);
  const whole = both.filter(({ metric }) => !metric.includes("["));
  return [
    `## Beside ${one}`,
    ...paired.map(({ sentences }) => list(sentences.map(plain), "")),
    "“Better” and “worse” are said only where intervals are apart or numbers are counted.",
    table(
      ["what", one, other, "verdict"],
      "lrrl",
      whole.map((value) => [
        plain(`${value.kind}.${value.metric}${value.where === "" ? "" : ` ${value.where}`}`),
        side(value.first),
        side(value.second),
        `${VERDICTS[value.verdict]}${value.reason === null ? "" : `: ${plain(value.reason)}`}`,
      ]),
    ),
    ...picturesOf(null, content),
    facts.length === 0
      ? "Model, signature and processing are the same."
      : table(
          ["what differs", one, other],
          "lll",
          facts.map((fact) => [plain(fact.name), plain(fact.first), plain(fact.second)]),
        ),
  ];
}

function modelParts({ model, processing }: Report): readonly string[] {
  const { signature, opsets, operators, hash, warnings } = model;
  const port = (direction: string) => (one: (typeof signature.inputs)[number]) => [
    plain(one.name),
    one.isOptional ? `${direction}, optional` : direction,
    code(one.type),
  ];
  return [
    table(["name", "direction", "type"], "lll", [
      ...signature.inputs.map(port("input")),
      ...signature.outputs.map(port("output")),
    ]),
    list(
      [
        `Hash: ${code(hash)}`,
        `Operator sets: ${plain(opsets.map(({ domain, version }) => `${domain === "" ? "ai.onnx" : domain} ${version}`).join(", "))}`,
        `Operators: ${plain(operators.map(({ name, count }) => `${name} ${count}`).join(", "))}`,
        `Steps before the model: ${plain(processing.before.join("; ") || "none")}`,
        `Steps after it: ${plain(processing.after.join("; ") || "none")}`,
        ...warnings.map((warning) => `Warning: ${plain(warning)}`),
      ],
      "",
    ),
  ];
}

function lineageTable({ lineage }: Report): string {
  const labels = new Map(lineage.nodes.map(({ id, label }) => [id, label]));
  return table(
    ["from", "how", "to"],
    "lll",
    lineage.edges.map(({ from, to, kind }) => [plain(labels.get(from)!), kind, plain(labels.get(to)!)]),
  );
}
