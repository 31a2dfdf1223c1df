// What a person asks for when something is trained, as JSON that is kept with the job. What is left open is chosen by what is there:
// `settings.ts` says how.
import { z } from "zod";
import { OPTIMIZER_KINDS } from "@slipway/core/autodiff";
import { BAD_ROW_CHOICES, COLUMN_ROLES, type ColumnRole, DatasetOrder } from "#lab/dataset";
import { TASK_KINDS } from "./task.ts";

export const SCHEDULES = ["constant", "cosine", "one-cycle"] as const;
const CLASS_WEIGHTS = ["none", "balanced"] as const;

const ROLES = Object.keys(COLUMN_ROLES) as [ColumnRole, ...ColumnRole[]];
const Share = z.number().min(0).max(0.95);
const Rate = z.number().positive().max(10);

/** The network that is fitted. */
export const NetworkOrder = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("mlp"),
    hidden: z
      .array(z.int().min(1).max(65_536))
      .max(64)
      .nullable()
      .default(null)
      .describe("units of each hidden layer; null: chosen by the rows"),
    dropout: Share.nullable().default(null).describe("null: chosen by the rows"),
  }),
  z.strictObject({
    kind: z.literal("cnn"),
    dropout: Share.default(0),
  }),
  z
    .strictObject({
      kind: z.literal("default"),
      dropout: Share.nullable().default(null),
    })
    .describe("an mlp of columns, a cnn of pictures and signals"),
  z.strictObject({
    kind: z.literal("model"),
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("a stored model that takes features, float32 [N, width], and answers scores"),
    of: z.string().max(256).default("a file").describe("what it is, for people"),
  }),
]);
export type NetworkOrder = z.output<typeof NetworkOrder>;

export const FitSettings = z.strictObject({
  epochs: z.int().min(1).max(100_000).nullable().default(null).describe("at most; null: chosen by the rows"),
  steps: z.int().min(1).max(100_000_000).nullable().default(null).describe("at most, in whichever epoch"),
  batchRows: z.int().min(1).max(65_536).nullable().default(null).describe("rows of a step; null: chosen by the rows"),
  partRows: z
    .int()
    .min(1)
    .max(65_536)
    .nullable()
    .default(null)
    .describe("rows whose gradients are computed at once, where a batch is more than memory takes"),
  optimizer: z.enum(OPTIMIZER_KINDS).default("adamw"),
  learningRate: Rate.nullable().default(null).describe("the highest; null: chosen by optimiser and network"),
  weightDecay: z.number().min(0).max(10).nullable().default(null),
  schedule: z.enum(SCHEDULES).default("cosine"),
  patienceEpochs: z
    .int()
    .min(1)
    .max(100_000)
    .nullable()
    .default(null)
    .describe("ends after so many epochs without a better validation loss; null: chosen by the epochs"),
  maxNorm: z.number().positive().nullable().default(null).describe("clips gradients to this norm"),
  averageDecay: z
    .number()
    .min(0)
    .max(0.9999)
    .nullable()
    .default(null)
    .describe("of the moving average of the weights that is used; 0: the weights themselves; null: 0.98"),
  labelSmoothing: z
    .number()
    .min(0)
    .max(0.9)
    .nullable()
    .default(null)
    .describe("share of the target all classes have alike; null: 0.05"),
  classWeights: z.enum(CLASS_WEIGHTS).default("none").describe("balanced: rows of rare classes count more"),
  validationShare: z
    .number()
    .min(0.01)
    .max(0.9)
    .default(0.2)
    .describe("of the rows that are trained by, where the dataset has no split called validation"),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .describe("of the split, the first weights, the order of rows and dropout"),
  augment: z
    .strictObject({
      shift: z.number().min(0).max(10_000).optional().describe("pixels to any side at most"),
      rotate: z.number().min(0).max(180).optional().describe("degrees at most, either way round"),
      flip: z.enum(["horizontal", "vertical", "both"]).optional(),
      crop: z.number().min(0.01).max(1).optional().describe("the smallest share of height and width"),
      cutout: z.int().min(0).max(10_000).optional().describe("side of a covered square in pixels"),
    })
    .nullable()
    .default(null)
    .describe("how pictures differ from epoch to epoch; null: shifted and turned a little; {}: not at all"),
  imagePixels: z
    .int()
    .min(4)
    .max(1024)
    .nullable()
    .default(null)
    .describe("the longer side pictures are brought to; null: their own, at most 64"),
  threads: z.int().min(1).max(256).default(1).describe("on one thread, a run is repeatable to the bit"),
});
export type FitSettings = z.output<typeof FitSettings>;

/** A model that learns more, in place of a new network. */
export const BaseOrder = z.strictObject({
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("of the stored ONNX file"),
  of: z.string().max(256).describe("what it is, for people: digits@1"),
  processing: z.unknown().nullable().default(null).describe("of the version, as it is declared"),
  output: z.string().max(1000).nullable().default(null).describe("the value that is learnt by; null: found"),
  freeze: z
    .array(z.string().min(1).max(1000))
    .max(1000)
    .default([])
    .describe("parameters that stay as they are, by name, where * stands for anything"),
  isHeadNew: z.boolean().default(false).describe("whether its last layer is replaced, for other classes"),
});
export type BaseOrder = z.output<typeof BaseOrder>;

export const TrainOrder = z.strictObject({
  name: z.string().min(1).max(128).describe("of the version that comes of it"),
  data: DatasetOrder,
  target: z
    .string()
    .min(1)
    .max(1000)
    .nullable()
    .default(null)
    .describe("the column to predict; null: the dataset's label"),
  task: z.enum(TASK_KINDS).nullable().default(null).describe("null: told by the target"),
  roles: z.record(z.string().min(1).max(1000), z.enum(ROLES)).default({}).describe("of columns; others are found"),
  badRows: z.enum(BAD_ROW_CHOICES).default("error").describe("what becomes of rows that can't be used"),
  network: NetworkOrder.nullable().default(null).describe("null: the default"),
  base: BaseOrder.nullable().default(null).describe("the model that learns more; null: a network from the beginning"),
  settings: FitSettings.default(() => FitSettings.parse({})),
});
export type TrainOrder = z.output<typeof TrainOrder>;
