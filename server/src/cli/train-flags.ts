// Flags of commands that train, and the order they make.
import { SlipwayError } from "@slipway/core/base";
import { OPTIMIZER_KINDS } from "@slipway/core/autodiff";
import { type DatasetOrder, datasetOrder } from "#lab/dataset";
import { SCHEDULES, TASK_KINDS } from "#lab/train";
import type { Client, OperationInput } from "slipway/client";
import { type CommandContext, type CommandOptions, listOption, type OptionFact, textOption } from "./command.ts";
import { malformed } from "./measure-flags.ts";
import { numberOption, wholeOption } from "./option-values.ts";
import { rolesFrom } from "./role-option.ts";

export type TrainOrderInput = Omit<OperationInput<"startTraining">["body"], "reason">;

/** What `rowsOrder` reads. */
export const TRAIN_ROWS_FLAGS: readonly OptionFact[] = [
  {
    flags: "--data <rows>",
    description: "The rows: a file, a folder, a description or a registered NAME, then perhaps @SPLIT to train by",
  },
  { flags: "--target <column>", description: "The column to predict; the description's label if left out" },
  { flags: "--task <kind>", description: "What is predicted; told by the target if left out", choices: TASK_KINDS },
  {
    flags: "--role <column=role>",
    description:
      "What a column is: numeric, categorical, timestamp, id, protected, weight or ignored; found if left out",
    isList: true,
  },
  {
    flags: "--on-bad-row <choice>",
    description: "Rows that can't be used: an error (if left out), or left out and counted",
    choices: ["error", "skip"],
  },
];

interface SettingFlag {
  readonly flag: string;
  readonly takes: readonly [number, number];
  readonly isWhole?: boolean;
  readonly says: string;
}

/** What `settingsFrom` reads: each a setting's name, its flag, and what it takes; numbers, or whole ones where they are counts. */
const SETTINGS = {
  epochs: {
    flag: "--epochs <n>",
    takes: [1, 1e5],
    isWhole: true,
    says: "Epochs at most; chosen by the rows if left out",
  },
  steps: { flag: "--steps <n>", takes: [1, 1e8], isWhole: true, says: "Steps at most" },
  batchRows: {
    flag: "--batch <rows>",
    takes: [1, 65_536],
    isWhole: true,
    says: "Rows of a step; chosen by the rows if left out",
  },
  partRows: {
    flag: "--part <rows>",
    takes: [1, 65_536],
    isWhole: true,
    says: "Rows whose gradients are computed at once, where a batch takes too much memory",
  },
  learningRate: { flag: "--rate <rate>", takes: [0, 10], says: "The highest learning rate" },
  weightDecay: { flag: "--decay <share>", takes: [0, 10], says: "Weight decay" },
  patienceEpochs: {
    flag: "--patience <epochs>",
    takes: [1, 1e5],
    isWhole: true,
    says: "Ends after so many epochs without a better validation loss",
  },
  maxNorm: { flag: "--clip <norm>", takes: [0, 1e9], says: "Clips gradients to this norm" },
  averageDecay: {
    flag: "--average <decay>",
    takes: [0, 0.9999],
    says: "Of the moving average of the weights that is used; 0.98 if left out, 0 for none",
  },
  labelSmoothing: {
    flag: "--smoothing <share>",
    takes: [0, 0.9],
    says: "Share of the target all classes have alike; 0.05 if left out",
  },
  validationShare: {
    flag: "--validation <share>",
    takes: [0.01, 0.9],
    says: "Rows that choose the best weights, where the dataset has no such split; 0.2 if left out",
  },
  seed: {
    flag: "--seed <number>",
    takes: [0, 2 ** 32 - 1],
    isWhole: true,
    says: "Of the split, weights, order and dropout; 0 if left out",
  },
  threads: {
    flag: "--threads <n>",
    takes: [1, 256],
    isWhole: true,
    says: "1 if left out: then a run is repeatable to the bit",
  },
} as const satisfies Record<string, SettingFlag>;

export const SETTINGS_FLAGS: readonly OptionFact[] = [
  ...Object.values(SETTINGS).map(({ flag, says }) => ({ flags: flag, description: says })),
  { flags: "--optimizer <kind>", description: "adamw if left out", choices: OPTIMIZER_KINDS },
  { flags: "--schedule <kind>", description: "How the learning rate goes; cosine if left out", choices: SCHEDULES },
  { flags: "--balance", description: "Classes count alike, however many rows they have" },
];

/** Of folders of pictures, for networks that begin anew; `settingsFrom` reads them too. */
export const PICTURE_FLAGS: readonly OptionFact[] = [
  {
    flags: "--pixels <n>",
    description: "The longer side that pictures are brought to; their own if left out, 64 at most",
  },
  {
    flags: "--augment <change=amount>",
    description:
      "How pictures differ from epoch to epoch: shift=PIXELS, rotate=DEGREES, flip=horizontal, vertical or both, crop=SHARE, cutout=PIXELS, or none; shifted and turned a little if left out",
    isList: true,
  },
];

/** @throws SlipwayError USAGE */
export function settingsFrom(options: CommandOptions): NonNullable<TrainOrderInput["settings"]> {
  const numbers = Object.entries<SettingFlag>(SETTINGS).flatMap(([name, { flag, takes, isWhole = false }]) => {
    const value = (isWhole ? wholeOption : numberOption)(options, /^--(\w+)/.exec(flag)![1]!, ...takes);
    return value === undefined ? [] : [[name, value] as const];
  });
  const pixels = wholeOption(options, "pixels", 4, 1024);
  const augment = augmentFrom(options);
  const optimizer = textOption(options, "optimizer");
  const schedule = textOption(options, "schedule");
  return {
    ...Object.fromEntries(numbers),
    ...(pixels === undefined ? {} : { imagePixels: pixels }),
    ...(augment === null ? {} : { augment }),
    ...(optimizer === undefined ? {} : { optimizer: optimizer as (typeof OPTIMIZER_KINDS)[number] }),
    ...(schedule === undefined ? {} : { schedule: schedule as (typeof SCHEDULES)[number] }),
    ...(options["balance"] === true ? { classWeights: "balanced" as const } : {}),
  };
}

/** What `--augment` says; null where nothing was said, and {} where nothing is to change. @throws SlipwayError USAGE */
function augmentFrom(options: CommandOptions): NonNullable<TrainOrderInput["settings"]>["augment"] | null {
  const texts = listOption(options, "augment");
  if (texts.length === 0) return null;
  if (texts.length === 1 && texts[0] === "none") return {};
  const found = texts.map((text) => {
    const [, change, amount] = /^(shift|rotate|flip|crop|cutout)=(.+)$/.exec(text) ?? [];
    if (change === undefined) throw malformed("augment", text, "shift=2, rotate=10, flip=horizontal or none");
    if (change === "flip") return [change, amount] as const;
    const isMeant = change === "cutout" ? Number.isInteger(Number(amount)) : Number.isFinite(Number(amount));
    if (!isMeant) throw malformed("augment", text, `${change}=2`);
    return [change, Number(amount)] as const;
  });
  return Object.fromEntries(found);
}

/** Rows, target, task and roles. @throws SlipwayError USAGE, FILE_UNREADABLE, DATASET_* */
export async function rowsOrder(
  context: CommandContext,
  client: Client,
  usage: string,
): Promise<Pick<TrainOrderInput, "target" | "task" | "roles" | "badRows"> & { readonly data: DatasetOrder }> {
  const { options, environment } = context;
  const named = textOption(options, "data");
  if (named === undefined) throw new SlipwayError("USAGE", `--data is missing: ${usage}`);
  const data = await datasetOrder(named, {
    workingDirectory: environment.workingDirectory,
    find: async (name, number) =>
      await client.getDataset({ params: { name }, query: number === null ? {} : { number } }),
  });
  return {
    data,
    target: textOption(options, "target") ?? null,
    task: (textOption(options, "task") as (typeof TASK_KINDS)[number] | undefined) ?? null,
    roles: Object.fromEntries(rolesFrom(options)) as NonNullable<TrainOrderInput["roles"]>,
    badRows: (textOption(options, "onBadRow") as "error" | "skip" | undefined) ?? "error",
  };
}
