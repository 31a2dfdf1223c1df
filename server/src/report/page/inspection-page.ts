// An inspection of a dataset as one HTML file. Names, labels and values come from files that may be anybody's: everything is
// escaped (see html.ts).
import { type DatasetInspection, GRAVITIES, type InspectedColumn, measureText, MEASURES } from "#lab/inspection";
import { momentText, numberText, shareText } from "../numbers.ts";
import { bar, histogram } from "./bars.ts";
import { documentText, type PageSection } from "./document.ts";
import { html, type HtmlValue, type Markup } from "./html.ts";
import { type Column, dataTable, facts, listOf, mark, type Tone } from "./parts.ts";

export interface InspectionPage {
  readonly name: string;
  /** What is known of it beside its rows, as names and what they are. */
  readonly facts: readonly (readonly [string, string])[];
  readonly inspection: DatasetInspection;
  /** Milliseconds since the Unix epoch. */
  readonly madeAt: number;
}

const MOST_TEXTS = 5;
const TONES = { grave: "bad", serious: "warn", note: "quiet" } as const satisfies Record<string, Tone>;

export function renderInspection({ name, facts: about, inspection, madeAt }: InspectionPage): string {
  const { rows, sampledRows, target, columns, images } = inspection;
  const sections: readonly PageSection[] = [
    { id: "findings", title: "Findings", body: findingsSection(inspection) },
    ...(target === null
      ? []
      : [{ id: "target", title: `The target: ${target.column}`, body: targetSection(inspection) }]),
    ...(target === null
      ? []
      : [{ id: "association", title: `What tells of ${target.column}`, body: associationSection(inspection) }]),
    { id: "columns", title: "Columns", body: columnsSection(inspection) },
    { id: "copies", title: "Copies", body: copiesSection(inspection) },
    { id: "data", title: "The data", body: facts(about) },
  ];
  const part = sampledRows < rows ? `, of which ${numberText(sampledRows)} were looked at` : "";
  const splits = Object.entries(inspection.splits).map(([split, size]) => `${split} ${numberText(size)}`);
  return documentText({
    title: `${name} – inspection`,
    generator: "Slipway",
    heading: name,
    about: [
      `${numberText(rows)} rows${part}, ${numberText(columns.length)} columns${images === null ? "" : `, ${numberText(images.images)} images`}.`,
      ...(splits.length === 0 ? [] : [`Split: ${splits.join(", ")}.`]),
    ],
    summary: summaryOf(inspection),
    sections,
    footer: `Made ${momentText(madeAt)} by Slipway. What is said here is of this data alone: that nothing was found is no proof that nothing is there.`,
  });
}

function summaryOf({ findings, columns, associations, target }: DatasetInspection): Markup {
  const learnt = columns.filter(({ role }) => ["numeric", "categorical", "timestamp"].includes(role));
  const left = columns.filter(({ role }) => ["id", "protected", "ignored"].includes(role));
  const urgent = findings.filter(({ gravity }) => gravity !== "note");
  const strongest = associations.slice(0, 3).map((one) => html`${one.column}: ${measureText(one)}`);
  return html`<section class="summary" aria-label="Summary"><div><h2>Before training</h2>${listOf(
    urgent.slice(0, 4).map(({ text, gravity }) => html`${mark(TONES[gravity], gravity)} ${text}`),
    "Nothing was found that speaks against training on it.",
  )}</div><div><h2>${target === null ? "No target" : `What tells most of ${target.column}`}</h2>${listOf(strongest, target === null ? "Name one with --target." : "No column tells of it by itself.")}</div><div><h2>What is learnt from</h2>${listOf(
    [
      html`${learnt.length} of ${columns.length} columns`,
      ...(left.length === 0 ? [] : [html`left out: ${left.map(({ name }) => name).join(", ")}`]),
    ],
    "",
  )}</div></section>`;
}

function findingsSection({ findings }: DatasetInspection): Markup {
  if (findings.length === 0) return html`<p class="quiet">Nothing was found that speaks against training on it.</p>`;
  const columns: readonly Column[] = [{ name: "Gravity" }, { name: "What was found" }, { name: "What to do" }];
  const rows = findings.map(({ gravity, text, advice }) => [mark(TONES[gravity], gravity), text, advice]);
  const there = Object.entries(GRAVITIES).filter(([gravity]) => findings.some((one) => one.gravity === gravity));
  const legend = there.map(([gravity, meaning]) => `${gravity}: ${meaning}`).join("; ");
  return html`<p class="small quiet">${legend}.</p>${dataTable("Table of findings", columns, rows)}`;
}

function targetSection({ target, splits, rows: all }: DatasetInspection): Markup {
  if (target === null || target.kind === "number") {
    return html`<p>A number to predict; its distribution is among the columns.</p>`;
  }
  const names = Object.keys(splits);
  const columns: readonly Column[] = [
    { name: "Class", isHead: true },
    { name: "Rows", isNumber: true },
    { name: "Share", isNumber: true },
    { name: "Beside the largest" },
    ...names.map((name) => ({ name: `Share of ${name}`, isNumber: true })),
    { name: "Weight", isNumber: true },
  ];
  const total = target.classes.reduce((sum, { rows }) => sum + rows, 0);
  const sizeOf = (name: string) => target.classes.reduce((sum, one) => sum + (one.splits[name] ?? 0), 0);
  const shown = target.classes
    .slice(0, 50)
    .map((one): HtmlValue[] => [
      one.label,
      numberText(one.rows),
      shareText(one.rows / Math.max(1, total)),
      bar(one.rows / Math.max(1, target.classes[0]!.rows)),
      ...names.map((name) => shareText((one.splits[name] ?? 0) / Math.max(1, sizeOf(name)))),
      one.weight.toFixed(3),
    ]);
  const { ratio, majority, evenness } = target.balance;
  const balance = facts([
    ["Always answering the most frequent class is right in", shareText(majority)],
    ["Rows of the most frequent class for each of the rarest", ratio === null ? "no end" : numberText(ratio)],
    ["Evenness (1 where all classes are as many)", evenness.toFixed(3)],
    ["Rows with a label", `${numberText(total)} of ${numberText(all)}`],
  ]);
  const more = target.classes.length - shown.length;
  const rest = more > 0 ? html`<p class="small quiet">${more} classes of fewer rows are left out here.</p>` : null;
  return html`${dataTable("Classes", columns, shown)}${rest}<p class="origin">With the weight, every class counts alike.</p><h3>Balance</h3>${balance}`;
}

function associationSection({ associations, target }: DatasetInspection): Markup {
  if (associations.length === 0) return html`<p class="quiet">No column tells of ${target!.column} by itself.</p>`;
  const columns: readonly Column[] = [
    { name: "Column", isHead: true },
    { name: "Measure" },
    { name: "Value", isNumber: true },
    { name: "Strength" },
    { name: "Mutual information (nats)", isNumber: true },
    { name: "Of the target's", isNumber: true },
    { name: "Rows", isNumber: true },
  ];
  const rows = associations.map((one): HtmlValue[] => [
    one.column,
    html`<span class="keep">${MEASURES[one.measure]}</span>`,
    (one.auc ?? one.cramersV ?? one.correlationRatio ?? one.spearman ?? 0).toFixed(3),
    bar(one.strength),
    one.mutualInformation.toFixed(4),
    shareText(one.informationShare),
    numberText(one.rows),
  ]);
  return html`<p class="small quiet">Each column by itself, over the rows that have both; columns that tell only together with others are not seen here. Cramér's V is corrected for chance (Bergsma), so that ids tell nothing, and so is the share of the target's information (Miller); mutual information itself is as it was seen. For it, numbers are put in up to ten bins of as many rows.</p>${dataTable("Association with the target", columns, rows)}`;
}

function columnsSection({ columns, sampledRows }: DatasetInspection): Markup {
  const head: readonly Column[] = [
    { name: "Column", isHead: true },
    { name: "Role, and why" },
    { name: "Missing", isNumber: true },
    { name: "Different", isNumber: true },
    { name: "Distribution" },
    { name: "Values" },
  ];
  const rows = columns.map((column): HtmlValue[] => [
    html`${column.name}<div class="small quiet">${column.type}</div>`,
    html`${column.role}<div class="small quiet">${column.reason}</div>`,
    column.missing === 0 ? "0" : shareText(column.missing / Math.max(1, sampledRows)),
    numberText(column.distinct),
    pictureOf(column),
    valuesOf(column),
  ]);
  return dataTable("Table of columns", head, rows);
}

function pictureOf({ name, distribution }: InspectedColumn): HtmlValue {
  if (distribution === null) return "–";
  if (distribution.kind === "texts") {
    const rows = distribution.top.map((one) => one.rows);
    return histogram(rows, `Rows of the most frequent values of ${name}: ${rows.join(", ")}`);
  }
  const { bins, least, most, kind } = distribution;
  return histogram(
    bins,
    `Rows of ${name} in bins from ${valueText(least, kind)} to ${valueText(most, kind)}: ${bins.join(", ")}`,
  );
}

function valuesOf({ distribution }: InspectedColumn): HtmlValue {
  if (distribution === null) return "–";
  if (distribution.kind === "texts") {
    const shown = distribution.top.slice(0, MOST_TEXTS).map(({ value, rows }) => `${value} (${numberText(rows)})`);
    const rest = distribution.top.length - shown.length + distribution.others.values;
    return html`${shown.join(", ")}${rest > 0 ? html` <span class="quiet">and ${numberText(rest)} more</span>` : null}`;
  }
  const { kind, least, most, quartiles } = distribution;
  const text = (value: number) => valueText(value, kind);
  const middle = `median ${text(quartiles[1])}, half of them ${text(quartiles[0])} to ${text(quartiles[2])}`;
  return html`${text(least)} to ${text(most)}<div class="small quiet">${middle}</div>`;
}

/** Moments by their day, and by the minute where they are not all midnights. */
function valueText(value: number, kind: "numbers" | "moments"): string {
  if (kind === "numbers") return numberText(value);
  const date = new Date(value * 1000);
  if (Number.isNaN(date.getTime())) return numberText(value);
  const text = date.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
}

function copiesSection({ duplicates, images, splits }: DatasetInspection): Markup {
  const isSplit = Object.keys(splits).length > 0;
  const { near, nearWhy, examples } = duplicates;
  const list: [string, HtmlValue][] = [
    [
      "Rows that are there more than once, but for label and ids",
      `${numberText(duplicates.rows)}, in ${numberText(duplicates.groups)} groups`,
    ],
    ["Groups with different labels", numberText(duplicates.contradicting)],
    ...(isSplit
      ? [["Groups with rows in several splits", numberText(duplicates.acrossSplits)] as [string, HtmlValue]]
      : []),
    [
      "Pairs of rows that are nearly the same",
      near === null ? `not looked for: ${nearWhy ?? ""}` : numberText(near.pairs),
    ],
    ...(images === null ? [] : [["Pairs of images that look alike", numberText(images.pairs)] as [string, HtmlValue]]),
  ];
  const pairs = [...(near?.examples ?? []), ...(images?.examples ?? [])];
  return html`${facts(list)}${
    examples.length === 0
      ? null
      : html`<h3>Some that are the same</h3>${listOf(
          examples.map((group) => group.join(" = ")),
          "",
        )}`
  }${
    pairs.length === 0
      ? null
      : html`<h3>Some that are nearly the same</h3>${listOf(
          pairs.map(({ rows, similarity }) => `${rows.join(" ≈ ")}, similarity ${similarity.toFixed(3)}`),
          "",
        )}`
  }`;
}
