// What was typed into the form that starts a run, and the order it becomes: what is left empty is left out, so that the server's
// choice holds.
import { isName } from "@slipway/core/base";
import type { DatasetView, TrainingOrder } from "../api.ts";
import { type OptionField, type OptionForm, valueTyped } from "../measure/options.ts";

/** What was typed, by field: `name`, `target`, `settings.epochs`. */
export type Typed = Readonly<Record<string, string>>;

/** A setting, and where in the order it goes. */
export interface SettingField extends OptionField {
  readonly path: string;
}

function setting(path: string, name: string, form: OptionForm, byDefault: string | null, about: string): SettingField {
  return { path, name, form, byDefault, about, isRequired: false };
}

const choice = (...choices: readonly string[]): OptionForm => ({ kind: "choice", choices });
const whole = { kind: "number", isInteger: true, max: null } as const;
const real = { kind: "number", isInteger: false } as const;

/** Shown at once. */
const BASIC: readonly SettingField[] = [
  setting("settings.epochs", "Epochs", { ...whole, min: 1 }, null, "At most; by default about 3000 steps."),
  setting(
    "settings.learningRate",
    "Learning rate",
    { ...real, min: 0, max: 10 },
    null,
    "The highest; 0.002 for AdamW.",
  ),
  setting("network.hidden", "Hidden layers", { kind: "list", of: "number" }, "128, 64", "Units of each layer."),
  setting(
    "network.dropout",
    "Dropout",
    { ...real, min: 0, max: 0.95 },
    null,
    "Share of units left out at each step; of tables below 1000 rows 0.3.",
  ),
];

/** Among more. */
const MORE: readonly SettingField[] = [
  setting("settings.batchRows", "Rows of a step", { ...whole, min: 1 }, null, "By default 16 to 256, by the rows."),
  setting(
    "settings.patienceEpochs",
    "Patience",
    { ...whole, min: 1 },
    null,
    "Epochs without a better one that end it.",
  ),
  setting("settings.optimizer", "Optimiser", choice("adamw", "adam", "sgd", "rmsprop"), "adamw", ""),
  setting("settings.schedule", "Rate over time", choice("cosine", "one-cycle", "constant"), "cosine", ""),
  setting("settings.weightDecay", "Weight decay", { ...real, min: 0, max: 10 }, null, "0.05, of pictures 0.01."),
  setting(
    "settings.classWeights",
    "Weights of classes",
    choice("none", "balanced"),
    "none",
    "balanced: all count alike.",
  ),
  setting(
    "settings.validationShare",
    "Validation share",
    { ...real, min: 0.01, max: 0.9 },
    "0.2",
    "Where no split is so called.",
  ),
  setting("settings.seed", "Seed", { ...whole, min: 0 }, "0", "Of split, first weights and order of rows."),
];

export const SETTINGS = { basic: BASIC, more: MORE };
const ALL = [...BASIC, ...MORE];

/** Whether rows are columns, as opposed to pictures and signals. */
export function isTable({ manifest: { format } }: DatasetView): boolean {
  return format === "csv" || format === "parquet" || format === "jsonl";
}

/** The column that was registered as the label, or found to be; null where nobody said. */
export function knownTarget({ description, manifest }: DatasetView): string | null {
  const { label } = description as { readonly label?: string | { readonly column: string } | null };
  const said = typeof label === "string" ? label : (label?.column ?? null);
  return said ?? manifest.inspection?.target?.column ?? null;
}

/** What is wrong with what was typed, by field; nothing where all of it can be sent. */
export function faultsOf(typed: Typed, dataset: DatasetView | null): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {};
  const name = typed["name"] ?? "";
  if (!isName(name)) {
    faults["name"] =
      name === "" ? "It needs a name." : 'Letters, digits, ".", "_" and "-", starting with a letter or digit.';
  }
  if (dataset === null) faults["dataset"] = "Choose the rows to train by.";
  else if (needsTarget(dataset) && (typed["target"] ?? "") === "") faults["target"] = "Choose the column to predict.";
  for (const field of ALL) {
    const value = valueTyped(field, typed[field.path] ?? "");
    if (value !== null && "wrong" in value) faults[field.path] = value.wrong;
  }
  return faults;
}

/** A folder of images has its classes in the names of folders. */
export function needsTarget(dataset: DatasetView): boolean {
  return dataset.manifest.format !== "images";
}

/** The order of what was typed. */
export function orderOf(typed: Typed, dataset: DatasetView): TrainingOrder {
  const said = (path: string): string | null => (typed[path] ?? "").trim() || null;
  const settings: Record<string, unknown> = {};
  const network: Record<string, unknown> = {};
  for (const field of ALL) {
    const value = valueTyped(field, typed[field.path] ?? "");
    if (value === null || "wrong" in value) continue;
    const [part, key] = field.path.split(".") as ["settings" | "network", string];
    if (part === "settings") settings[key] = value.value;
    else if (isOfNetwork(field.path, typed, dataset)) network[key] = value.value;
  }
  const kind = said("network") ?? (Object.keys(network).length === 0 ? null : networkByDefault(dataset));
  return {
    name: said("name")!,
    data: { description: dataset.description, hash: dataset.hash } as TrainingOrder["data"],
    target: needsTarget(dataset) ? said("target") : null,
    task: said("task") as NonNullable<TrainingOrder["task"]> | null,
    badRows: typed["badRows"] === "skip" ? "skip" : "error",
    network: kind === null ? null : ({ kind, ...network } as NonNullable<TrainingOrder["network"]>),
    settings,
    reason: said("reason"),
  };
}

export function networkByDefault(dataset: DatasetView): "mlp" | "cnn" {
  return isTable(dataset) ? "mlp" : "cnn";
}

/** Hidden layers are of perceptrons alone. */
export function isOfNetwork(path: string, typed: Typed, dataset: DatasetView | null): boolean {
  if (path !== "network.hidden" || dataset === null) return true;
  return ((typed["network"] ?? "") || networkByDefault(dataset)) === "mlp";
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What the server refused, by field; what is of no field is not among it. */
export function refusedFields({ code, message, details }: Refusal): Readonly<Record<string, string>> {
  if (code === "NAME_INVALID") return { name: message };
  const issues = details["issues"] as readonly { readonly path: string; readonly message: string }[] | undefined;
  const known = ["name", "target", "task", "network", "badRows", "reason", ...ALL.map(({ path }) => path)];
  const found = (issues ?? []).flatMap(({ path, message: why }) => {
    const field = known.toReversed().find((one) => path === one || path.startsWith(`${one}.`));
    return field === undefined ? [] : [[field, why] as const];
  });
  return Object.fromEntries(found);
}
