// A run of training as the administration API says it: what `#lab/train` keeps of it, as a schema.
import { z } from "zod";
import { TASK_KINDS } from "#lab/train";

const Count = z.int().min(0);

const FiguresView = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("classification"),
    rows: Count,
    accuracy: z.number(),
    interval: z.tuple([z.number(), z.number()]).describe("Of the accuracy, at 95 %, by Wilson"),
    balancedAccuracy: z.number().describe("The mean of the classes' recalls"),
    logLoss: z.number(),
  }),
  z.strictObject({
    kind: z.literal("regression"),
    rows: Count,
    r2: z.number(),
    rmse: z.number().describe("In the target's unit"),
    mae: z.number().describe("In the target's unit"),
  }),
]);

const EpochView = z.strictObject({
  epoch: z.int().min(1),
  step: Count.describe("Steps done by its end"),
  trainingLoss: z.number(),
  validationLoss: z.number().nullable().describe("null where it is not finite"),
  validationScore: z.number().nullable().describe("Accuracy or R²; null where it is not finite"),
  learningRate: z.number().describe("Of its last step"),
  seconds: z.number().describe("Of training, since the begin of the run"),
});

export const RunRecordView = z.strictObject({
  schema: z.literal(1),
  task: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal(TASK_KINDS[0]), target: z.string(), labels: z.array(z.string()) }),
    z.strictObject({ kind: z.literal(TASK_KINDS[1]), target: z.string(), mean: z.number(), scale: z.number() }),
  ]),
  data: z.strictObject({
    name: z.string(),
    hash: z.string().describe("SHA-256 over the files' hashes, how they are read and how they are split"),
    trainingRows: Count,
    validationRows: Count,
    skippedRows: Count,
    skippedFirst: z.array(z.string()),
    unstratified: z
      .string()
      .nullish()
      .describe("Why rows to validate by were drawn whatever their class, for people; null where they were not"),
    columns: z.array(z.record(z.string(), z.unknown())).describe("What each column is used as, and why"),
  }),
  network: z.strictObject({
    kind: z.enum(["mlp", "cnn", "model"]),
    text: z.string(),
    learned: Count.describe("Numbers that are learnt"),
  }),
  settings: z.record(z.string(), z.unknown()).describe("All of them, with what was chosen where nothing was said"),
  score: z.enum(["accuracy", "R²"]),
  baselines: z.array(
    z.strictObject({
      name: z.enum(["majority", "mean", "logistic regression", "linear regression"]),
      figures: FiguresView,
    }),
  ),
  curve: z.array(EpochView),
  result: z
    .strictObject({
      bestEpoch: z.int().describe("Whose weights are served"),
      steps: Count,
      endedBy: z.enum(["epochs", "steps", "patience"]),
      seconds: z.number(),
      figures: z
        .strictObject({ validation: FiguresView.optional(), test: FiguresView.optional() })
        .describe("As the served file answers"),
      gain: z
        .tuple([z.number(), z.number()])
        .nullish()
        .describe(
          "Of numbers: by how much its mean squared error on the rows of validation is less than the last baseline's, at 95 %, by Student's interval of paired differences",
        ),
      answer: z.string().describe("The output that answers"),
      probabilities: z.string().nullable(),
      examples: z.array(z.unknown()),
    })
    .nullable()
    .describe("null until it is through"),
});
