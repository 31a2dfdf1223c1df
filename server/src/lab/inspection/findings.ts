// What in a dataset would make a model look better than it is, or learn less than it could: a list of rules, each of which
// looks at what the inspection found and says what to do.
import { cramersV } from "@slipway/core/stats";
import {
  isMomentText,
  isNumberText,
  MOSTLY_READ,
  type RoleDecision,
  roleFlag,
  type SampledColumn,
  type TableSample,
} from "#lab/dataset";
import type {
  Association,
  DatasetInspection,
  Duplicates,
  Finding,
  ImageDuplicates,
  InspectedTarget,
} from "./inspection.ts";
import type { TargetValues } from "./association.ts";
import type { Coded } from "./values.ts";

/** What the rules look at. */
export interface Inspected {
  readonly sample: TableSample;
  readonly splitNames: readonly string[];
  /** How rows were split: nothing for "at random", or by what. */
  readonly splitsBy: readonly string[];
  readonly roles: readonly RoleDecision[];
  readonly coded: readonly Coded[];
  readonly target: InspectedTarget | null;
  readonly values: TargetValues | null;
  readonly associations: readonly Association[];
  readonly duplicates: Duplicates;
  readonly images: ImageDuplicates | null;
  readonly skipped: DatasetInspection["skipped"];
  readonly placeOf: (row: number) => string;
}

type Rule = (inspected: Inspected) => readonly Finding[];

/** A column that tells this much of the target is hardly a feature: an area under the curve of 0.99, and so on. */
const GIVES_AWAY = { auc: 0.98, "cramers-v": 0.98, "correlation-ratio": 0.99, spearman: 0.99 } as const;
/** In fewer rows that may be chance. */
const LEAST_TELLING_ROWS = 50;
const MOSTLY = 0.5;
const RARE_ROWS = 10;
const IMBALANCE = 10;

const RULES: readonly Rule[] = [
  givesAway,
  missingTells,
  duplicatesAcross,
  nearAcross,
  groupsAcross,
  timeAcross,
  oneClass,
  contradicting,
  duplicates,
  labelMissing,
  classMissing,
  rareClasses,
  imbalance,
  unreadable,
  mixed,
  brokenRows,
  mostlyMissing,
  columnsLeftOut,
];
const ORDER = { grave: 0, serious: 1, note: 2 } as const;

export function findingsOf(inspected: Inspected): readonly Finding[] {
  const found = RULES.flatMap((rule) => rule(inspected));
  return found.toSorted((a, b) => ORDER[a.gravity] - ORDER[b.gravity]);
}

function givesAway({ associations, target, roles }: Inspected): readonly Finding[] {
  const learnt = new Set(roles.filter(({ role }) => LEARNT.has(role)).map(({ column }) => column));
  return associations
    .filter(({ column, measure, strength, rows }) => {
      return strength >= GIVES_AWAY[measure] && rows >= LEAST_TELLING_ROWS && learnt.has(column);
    })
    .map((one) => ({
      gravity: "grave",
      kind: "gives-away-label",
      columns: [one.column],
      text: `${one.column} alone tells ${target!.column}: ${measureText(one)}.`,
      advice: `If it is only known after ${target!.column} is, leave it out: ${roleFlag(one.column, "ignored")}.`,
    }));
}

/** "area under the curve 0.999", as findings and tables write it. */
export function measureText({ measure, auc, cramersV: v, correlationRatio, spearman }: Association): string {
  switch (measure) {
    case "auc":
      return `area under the curve ${digits(auc!)}`;
    case "cramers-v":
      return `Cramér's V ${digits(v!)}`;
    case "correlation-ratio":
      return `correlation ratio ${digits(correlationRatio!)}`;
    case "spearman":
      return `Spearman's correlation ${digits(spearman!)}`;
  }
}

const LEARNT: ReadonlySet<string> = new Set(["numeric", "categorical", "timestamp"]);

function missingTells({ sample, values, target, roles }: Inspected): readonly Finding[] {
  if (values?.kind !== "classes") return [];
  return sample.columns.flatMap((column, at): readonly Finding[] => {
    if (!LEARNT.has(roles[at]!.role) || column.missing < RARE_ROWS || column.missing > sample.rows - RARE_ROWS)
      return [];
    const rows = [...values.codes.keys()].filter((row) => values.codes[row]! >= 0);
    const missing = rows.map((row) => (isMissing(column, row) ? 1 : 0));
    const v = cramersV(
      missing,
      rows.map((row) => values.codes[row]!),
    );
    if (v < 0.8) return [];
    return [
      {
        gravity: "grave",
        kind: "missing-tells-label",
        columns: [column.name],
        text: `Whether ${column.name} is missing tells ${target!.column}: Cramér's V ${digits(v)}.`,
        advice: `Find out why it is missing there; if it is filled in after ${target!.column} is known, leave it out: ${roleFlag(column.name, "ignored")}.`,
      },
    ];
  });
}

function isMissing({ numbers, texts }: SampledColumn, row: number): boolean {
  return numbers === null ? (texts?.[row] ?? null) === null : Number.isNaN(numbers[row]);
}

function duplicatesAcross({ duplicates: found }: Inspected): readonly Finding[] {
  if (found.acrossSplits === 0) return [];
  const example = found.examples[0]!.join(" and ");
  return [
    {
      gravity: "grave",
      kind: "duplicates-across-splits",
      columns: [],
      text: `${many(found.leakedRows, "row")} of smaller splits ${found.leakedRows === 1 ? "is" : "are"} there in a larger one too, such as ${example}.`,
      advice: "Take copies out, or split by a column that copies share: split.by.group.",
    },
  ];
}

function nearAcross({ duplicates: { near }, images }: Inspected): readonly Finding[] {
  return [["rows", near] as const, ["images", images] as const].flatMap(([what, found]): readonly Finding[] => {
    if (found === null || found.pairs === 0) return [];
    const [example] = found.examples;
    const isAcross = found.acrossSplits > 0;
    const pairs = isAcross ? `, ${found.acrossSplits} of them across splits` : "";
    return [
      {
        gravity: isAcross ? "grave" : "note",
        kind: isAcross ? "near-duplicates-across-splits" : "duplicates",
        columns: [],
        text: `${many(found.pairs, "pair")} of ${what} ${found.pairs === 1 ? "is" : "are"} nearly the same${pairs}, such as ${example!.rows.join(" and ")}.`,
        advice: isAcross
          ? "Keep what is alike in one split: split.by.group with a column that says what belongs together."
          : "Look at some; if they are copies, keep one of each.",
      },
    ];
  });
}

function groupsAcross({ sample, roles, coded, splitsBy }: Inspected): readonly Finding[] {
  const { splits } = sample;
  if (splits === null) return [];
  return sample.columns.flatMap(({ name }, at): readonly Finding[] => {
    if (!GROUP_NAME.test(name) || splitsBy.includes(name) || roles[at]!.role === "label") return [];
    const { codes, values } = coded[at]!;
    // One row each is no group; a few large ones are categories.
    if (values.length < RARE_ROWS || values.length > 0.9 * sample.rows) return [];
    const first = new Map<number, number>();
    const torn = new Set<number>();
    for (const [row, code] of codes.entries()) {
      if (code < 0) continue;
      const split = first.get(code);
      if (split === undefined) first.set(code, splits[row]!);
      else if (split !== splits[row]) torn.add(code);
    }
    if (torn.size === 0) return [];
    return [
      {
        gravity: "serious",
        kind: "group-across-splits",
        columns: [name],
        text: `${name} names ${values.length} things, of which ${torn.size} have rows in more than one split.`,
        advice: `If the model will meet others than these, split by them: split.by.group: ${name}.`,
      },
    ];
  });
}

/** The name of what rows belong to: ids, and those whose data they are. */
const GROUP_NAME =
  /(?:^|[\s_.-])(?:id|uuid|key)$|[a-z]I[dD]$|^(?:patient|customer|user|client|person|subject|session|device|account|household|family|plot|site)s?$/i;

function timeAcross({ sample, roles, splitNames, splitsBy }: Inspected): readonly Finding[] {
  const { splits } = sample;
  if (splits === null) return [];
  return sample.columns.flatMap(({ name, numbers }, at): readonly Finding[] => {
    if (roles[at]!.role !== "timestamp" || numbers === null || splitsBy.includes(name)) return [];
    const spans = splitNames.map((_, split) => {
      const own = numbers.filter((value, row) => splits[row] === split && !Number.isNaN(value));
      return [least(own), own.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)] as const;
    });
    const isMixed = spans.some(([start], a) => spans.some(([from, to], b) => a !== b && start > from && start < to));
    if (!isMixed) return [];
    return [
      {
        gravity: "note",
        kind: "time-across-splits",
        columns: [name],
        text: `Rows of different splits are of the same times, by ${name}.`,
        advice: `If the model is to answer for times to come, split by them: split.by.time: ${name}.`,
      },
    ];
  });
}

function least(values: Float64Array): number {
  return values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
}

function oneClass({ target, sample }: Inspected): readonly Finding[] {
  if (target?.kind !== "classes" || target.classes.length > 1 || sample.rows === 0) return [];
  const only = target.classes[0]?.label ?? "nothing";
  return [
    {
      gravity: "grave",
      kind: "one-class",
      columns: [target.column],
      text: `${target.column} is ${only} in all rows.`,
      advice: "Two classes at least are needed; name another target, or get rows of another class.",
    },
  ];
}

function contradicting({ duplicates: found, target }: Inspected): readonly Finding[] {
  if (found.contradicting === 0) return [];
  const [rows, differ] =
    found.contradicting === 1 ? ["group of equal rows", "differs"] : ["groups of equal rows", "differ"];
  return [
    {
      gravity: "serious",
      kind: "contradicting-labels",
      columns: [target!.column],
      text: `${found.contradicting} ${rows} ${differ} in ${target!.column}: no model can get them all right.`,
      advice: "Look at some; either labels are wrong or what tells them apart is not in the data.",
    },
  ];
}

function duplicates({ duplicates: found }: Inspected): readonly Finding[] {
  if (found.groups === 0) return [];
  const copies = found.rows - found.groups;
  return [
    {
      gravity: "note",
      kind: "duplicates",
      columns: [],
      text: `${many(copies, "row")} ${copies === 1 ? "is a copy" : "are copies"} of others, but for label and ids, such as ${found.examples[0]!.join(" and ")}.`,
      advice: "Where these are copies and no coincidence, they count twice.",
    },
  ];
}

function labelMissing({ target, sample }: Inspected): readonly Finding[] {
  const column = sample.columns.find(({ name }) => name === target?.column);
  if (column === undefined || column.missing === 0) return [];
  return [
    {
      gravity: "serious",
      kind: "label-missing",
      columns: [column.name],
      text: `${many(column.missing, "row")} ${column.missing === 1 ? "has" : "have"} no ${column.name}.`,
      advice: "Training refuses them, or leaves them out: --on-bad-row skip.",
    },
  ];
}

function classMissing({ target, splitNames }: Inspected): readonly Finding[] {
  if (target?.kind !== "classes") return [];
  return target.classes.flatMap(({ label, splits }): readonly Finding[] => {
    const without = splitNames.filter((name) => splits[name] === 0);
    if (without.length === 0) return [];
    return [
      {
        gravity: "serious",
        kind: "class-missing-in-split",
        columns: [target.column],
        text: `No row of ${without.join(" and ")} is ${label}.`,
        advice: `Split so that each has its share: split.by.stratified: ${target.column}.`,
      },
    ];
  });
}

function rareClasses({ target }: Inspected): readonly Finding[] {
  if (target?.kind !== "classes" || target.classes.length < 2) return [];
  const rare = target.classes.filter(({ rows }) => rows < RARE_ROWS);
  if (rare.length === 0) return [];
  const named = rare.slice(0, 5).map(({ label, rows }) => `${label} (${rows})`);
  return [
    {
      gravity: "serious",
      kind: "rare-class",
      columns: [target.column],
      text: `${many(rare.length, "class", "classes")} of ${target.column} ${rare.length === 1 ? "has" : "have"} fewer than ${RARE_ROWS} rows: ${named.join(", ")}${rare.length > 5 ? ", …" : ""}.`,
      advice: "What a model does with them can't be measured; get more, or put them together with others.",
    },
  ];
}

function imbalance({ target }: Inspected): readonly Finding[] {
  if (target?.kind !== "classes" || (target.balance.ratio ?? 0) < IMBALANCE) return [];
  const { ratio, majority } = target.balance;
  return [
    {
      gravity: "note",
      kind: "imbalance",
      columns: [target.column],
      text: `The most frequent class has ${Math.round(ratio!)} rows for each of the rarest; always answering it is right in ${percent(majority)}.`,
      advice: "Weigh classes, and measure balanced accuracy or recalls beside accuracy.",
    },
  ];
}

function unreadable({ sample, roles, placeOf }: Inspected): readonly Finding[] {
  return sample.columns.flatMap(({ name, unreadable: rows, firstUnreadable }, at): readonly Finding[] => {
    if (rows === 0) return [];
    const others = roles[at]!.role === "timestamp" ? "dates or times" : "numbers";
    return [
      {
        gravity: "serious",
        kind: "unreadable-values",
        columns: [name],
        text: `${many(rows, "row")} of ${name} ${rows === 1 ? "has" : "have"} text where others have ${others}, the first at ${placeOf(firstUnreadable!)}.`,
        advice: "Say what stands for a missing value under csv.missing, or leave such rows out: --on-bad-row skip.",
      },
    ];
  });
}

/** What texts may be, and the role they have then. */
const READ_AS = [
  { what: "numbers", role: "numeric", isOne: isNumberText },
  { what: "dates or times", role: "timestamp", isOne: isMomentText },
] as const;

/** Columns that were hardly meant as texts: numbers or times, and a few texts that may stand for something missing. */
function mixed({ sample, roles }: Inspected): readonly Finding[] {
  return sample.columns.flatMap(({ name, texts }, at): readonly Finding[] => {
    const { role, isTold } = roles[at]!;
    if (texts === null || isTold || role === "label") return [];
    const filled = texts.filter((text) => text !== null);
    return READ_AS.flatMap(({ what, role: meant, isOne }): readonly Finding[] => {
      const others = filled.filter((text) => !isOne(text));
      const share = 1 - others.length / filled.length;
      if (!(share >= MOSTLY_READ && share < 1)) return [];
      const some = [...new Set(others)].slice(0, 3).map((text) => JSON.stringify(text.slice(0, 20)));
      return [
        {
          gravity: "serious",
          kind: "unreadable-values",
          columns: [name],
          text: `${name} holds ${what} in ${percent(share)} of its rows and text in the others, such as ${some.join(", ")}; it is ${role === "categorical" ? "taken for categories" : "left out"}.`,
          advice: `Say what stands for a missing value under csv.missing, or leave such rows out: ${roleFlag(name, meant)} --on-bad-row skip.`,
        },
      ];
    });
  });
}

function brokenRows({ skipped }: Inspected): readonly Finding[] {
  if (skipped.rows === 0) return [];
  return [
    {
      gravity: "serious",
      kind: "broken-rows",
      columns: skipped.columns.map(({ column }) => column),
      text: `${many(skipped.rows, "row")} can't be read and ${skipped.rows === 1 ? "was" : "were"} left out, the first: ${skipped.first[0]}`,
      advice: "Mend them, or see that what is left out is no kind of its own.",
    },
  ];
}

function mostlyMissing({ sample, roles }: Inspected): readonly Finding[] {
  return sample.columns
    .filter(({ missing }, at) => LEARNT.has(roles[at]!.role) && missing > MOSTLY * sample.rows)
    .map(({ name, missing }) => ({
      gravity: "note",
      kind: "mostly-missing",
      columns: [name],
      text: `${name} is missing in ${percent(missing / sample.rows)} of the rows.`,
      advice: "The encoder fills it in and tells the network that it was missing; ask whether it is worth having.",
    }));
}

function columnsLeftOut({ sample, roles, coded }: Inspected): readonly Finding[] {
  return roles.flatMap(({ column, role, reason, isEmpty, isTold }, at): readonly Finding[] => {
    if (isTold) return [];
    const found = { gravity: "note", columns: [column] } as const;
    const text = `${column} is left out: ${reason}.`;
    if (isEmpty)
      return [{ ...found, kind: "empty-column", text, advice: `Say so for training: ${roleFlag(column, "ignored")}.` }];
    if (role === "id")
      return [
        {
          ...found,
          kind: "id-column",
          text,
          advice: `If there is something to learn from, give it a role: ${roleFlag(column, "categorical")}.`,
        },
      ];
    if (role === "protected") {
      const advice = `It is kept to compare groups; to learn from it all the same, say ${roleFlag(column, "categorical")}.`;
      return [{ ...found, kind: "protected-column", text, advice }];
    }
    const isConstant = role === "ignored" && coded[at]!.values.length === 1 && sample.rows > 1;
    return isConstant
      ? [{ ...found, kind: "constant-column", text, advice: "Nothing; no model can learn from it." }]
      : [];
  });
}

function many(count: number, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function digits(value: number): string {
  return value.toFixed(3);
}
