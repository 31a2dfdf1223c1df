// An inspection of a dataset as the administration API says it: what `#lab/inspection` finds, as a schema.
import { z } from "zod";
import { COLUMN_ROLES } from "#lab/dataset";
import { GRAVITIES, MEASURES } from "#lab/inspection";

const Count = z.int().min(0);
const Share = z.number().min(0).max(1);
const keysOf = <Key extends string>(table: Readonly<Record<Key, unknown>>) =>
  z.enum(Object.keys(table) as [Key, ...Key[]]);

const Distribution = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.enum(["numbers", "moments"]).describe("moments are seconds since the Unix epoch"),
    least: z.number(),
    most: z.number(),
    mean: z.number(),
    deviation: z.number(),
    quartiles: z.tuple([z.number(), z.number(), z.number()]),
    bins: z.array(Count).describe("Rows in bins of one width from least to most"),
  }),
  z.strictObject({
    kind: z.literal("texts"),
    top: z.array(z.strictObject({ value: z.string(), rows: Count })).describe("The most frequent"),
    others: z.strictObject({ values: Count, rows: Count }),
  }),
]);

const Near = z.strictObject({
  pairs: Count,
  acrossSplits: Count,
  examples: z.array(z.strictObject({ rows: z.tuple([z.string(), z.string()]), similarity: z.number() })),
});

const Skipped = z.strictObject({
  rows: Count,
  columns: z.array(z.strictObject({ column: z.string(), rows: Count })),
  first: z.array(z.string()),
});

export const DatasetInspectionView = z.strictObject({
  rows: Count,
  sampledRows: Count.describe("Rows that were looked at: all, or a part that a seed decides"),
  splits: z.record(z.string(), Count),
  target: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("classes"),
        column: z.string(),
        classes: z.array(
          z.strictObject({
            label: z.string(),
            rows: Count,
            splits: z.record(z.string(), Count),
            weight: z.number().describe("What a row of it would have to weigh for all classes to count alike"),
          }),
        ),
        balance: z.strictObject({ ratio: z.number().nullable(), majority: Share, evenness: z.number() }),
      }),
      z.strictObject({ kind: z.literal("number"), column: z.string() }),
    ])
    .nullable(),
  columns: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      role: keysOf(COLUMN_ROLES),
      reason: z.string(),
      isTold: z.boolean(),
      missing: Count,
      unreadable: Count,
      distinct: Count,
      distribution: Distribution.nullable(),
    }),
  ),
  associations: z.array(
    z.strictObject({
      column: z.string(),
      measure: keysOf(MEASURES),
      strength: Share,
      auc: z.number().nullable(),
      cramersV: z.number().nullable(),
      correlationRatio: z.number().nullable(),
      spearman: z.number().nullable(),
      mutualInformation: z.number().describe("In nats"),
      informationShare: z.number().describe("Of the target's entropy, less what chance would show"),
      rows: Count,
    }),
  ),
  duplicates: z.strictObject({
    rows: Count,
    groups: Count,
    contradicting: Count,
    acrossSplits: Count,
    leakedRows: Count,
    examples: z.array(z.array(z.string())),
    near: Near.nullable(),
    nearWhy: z.string().nullable(),
  }),
  images: Near.extend({ images: Count }).nullable(),
  findings: z.array(
    z.strictObject({
      gravity: keysOf(GRAVITIES),
      kind: z.string(),
      columns: z.array(z.string()),
      text: z.string(),
      advice: z.string(),
    }),
  ),
  skipped: Skipped,
});
