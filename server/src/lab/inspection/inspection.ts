// What an inspection finds, as data: columns with their distributions, what each tells of the target, rows that are there
// twice, and what in all that would make a model look better than it is.
import type { ClassBalance, ColumnRole, SkippedRows } from "#lab/dataset";

export interface DatasetInspection {
  /** Rows there are, and rows that were looked at: all, or a part that a seed decides. */
  readonly rows: number;
  readonly sampledRows: number;
  /** By name; empty where the dataset is not split. */
  readonly splits: Readonly<Record<string, number>>;
  readonly target: InspectedTarget | null;
  /** In the order of the files. */
  readonly columns: readonly InspectedColumn[];
  /** What columns tell of the target, those that tell most first; empty without a target. */
  readonly associations: readonly Association[];
  readonly duplicates: Duplicates;
  /** null where rows name no images. */
  readonly images: ImageDuplicates | null;
  /** The gravest first. */
  readonly findings: readonly Finding[];
  /** Lines and images that were left out, where that was chosen. */
  readonly skipped: SkippedRows;
}

export type InspectedTarget =
  | {
      readonly kind: "classes";
      readonly column: string;
      /** Of those there are most first. */
      readonly classes: readonly {
        readonly label: string;
        readonly rows: number;
        /** Rows of it in each split. */
        readonly splits: Readonly<Record<string, number>>;
        /** What a row of it would have to weigh for all classes to count alike. */
        readonly weight: number;
      }[];
      readonly balance: Omit<ClassBalance, "rows" | "shares" | "weights">;
    }
  | { readonly kind: "number"; readonly column: string };

export interface InspectedColumn {
  readonly name: string;
  readonly type: string;
  readonly role: ColumnRole;
  readonly reason: string;
  readonly isTold: boolean;
  /** Of the rows looked at: those without a value, and those with text among numbers. */
  readonly missing: number;
  readonly unreadable: number;
  /** Different values. */
  readonly distinct: number;
  /** null of lists and other types, and where no row has a value. */
  readonly distribution: Distribution | null;
}

export type Distribution = NumberDistribution | TextDistribution;

export interface NumberDistribution {
  /** Moments are seconds since the Unix epoch. */
  readonly kind: "numbers" | "moments";
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  readonly deviation: number;
  /** At a quarter, a half and three quarters. */
  readonly quartiles: readonly [number, number, number];
  /** Rows in bins of one width from least to most; one bin where all values are the same. */
  readonly bins: readonly number[];
}

export interface TextDistribution {
  readonly kind: "texts";
  /** The most frequent, at most 20. */
  readonly top: readonly { readonly value: string; readonly rows: number }[];
  /** Values and rows beyond those. */
  readonly others: { readonly values: number; readonly rows: number };
}

/** How strongly a column and the target go together, by the measure that fits both. */
export interface Association {
  readonly column: string;
  readonly measure: keyof typeof MEASURES;
  /** The measure, from 0 (nothing) to 1 (the one tells the other); of an area under the curve, 2 |area − ½|. */
  readonly strength: number;
  /** Area under the ROC curve of the number as a score for the target's second class; null for others. */
  readonly auc: number | null;
  readonly cramersV: number | null;
  readonly correlationRatio: number | null;
  readonly spearman: number | null;
  /**
   * In nats, as it was seen; and as a share of the target's entropy, less what chance would show. Numbers are in up to ten bins
   * of as many rows.
   */
  readonly mutualInformation: number;
  readonly informationShare: number;
  /** Rows with both. */
  readonly rows: number;
}

export const MEASURES = {
  auc: "area under the curve",
  "cramers-v": "Cramér's V",
  "correlation-ratio": "correlation ratio",
  spearman: "Spearman's correlation",
} as const;

export interface Duplicates {
  /** Rows that are there more than once, but for label, id and weight; and how many different ones those are. */
  readonly rows: number;
  readonly groups: number;
  /** Of the groups, those whose rows have different labels. */
  readonly contradicting: number;
  /** Of the groups, those with rows in more than one split. */
  readonly acrossSplits: number;
  /** Rows of the groups above that are not in the largest split of their group, which most often is learnt from. */
  readonly leakedRows: number;
  /** Places of a few, as the files have them. */
  readonly examples: readonly (readonly string[])[];
  /** Pairs of rows that agree in most of what they hold; null where that was not looked for, and why. */
  readonly near: NearDuplicates | null;
  readonly nearWhy: string | null;
}

export interface NearDuplicates {
  readonly pairs: number;
  readonly acrossSplits: number;
  readonly examples: readonly { readonly rows: readonly [string, string]; readonly similarity: number }[];
}

export interface ImageDuplicates extends NearDuplicates {
  /** Images that were looked at. */
  readonly images: number;
}

export interface Finding {
  readonly gravity: keyof typeof GRAVITIES;
  readonly kind: FindingKind;
  readonly columns: readonly string[];
  /** What was found, with its numbers. */
  readonly text: string;
  /** What to do. */
  readonly advice: string;
}

/** What a finding means. */
export const GRAVITIES = {
  grave: "what is measured on this data will not hold",
  serious: "look at it before training",
  note: "good to know",
} as const;

export type FindingKind =
  | "gives-away-label"
  | "missing-tells-label"
  | "duplicates-across-splits"
  | "near-duplicates-across-splits"
  | "group-across-splits"
  | "time-across-splits"
  | "contradicting-labels"
  | "duplicates"
  | "one-class"
  | "class-missing-in-split"
  | "rare-class"
  | "imbalance"
  | "label-missing"
  | "unreadable-values"
  | "empty-column"
  | "constant-column"
  | "id-column"
  | "protected-column"
  | "mostly-missing"
  | "broken-rows";
