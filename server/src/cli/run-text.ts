// Runs of training as people read them.
import type { RunRecord } from "#lab/train";
import type { RunView } from "slipway/client";
import { columns, count, duration, moment, table } from "./text.ts";

type Figures = NonNullable<NonNullable<RunRecord["result"]>["figures"]["validation"]>;

/** What of a run is known of the network; null before its first epoch. */
export function recordOf({ run }: RunView): RunRecord | null {
  return run as RunRecord | null;
}

export function runTable(runs: readonly RunView[]): string {
  const rows = runs.map((run) => {
    const record = recordOf(run);
    const figures = record?.result?.figures.validation;
    return [
      run.id,
      run.number === null ? run.name : `${run.name}@${run.number}`,
      stateText(run),
      record === null ? "" : `${record.network.kind}, ${count(record.network.learned)} parameters`,
      figures === undefined ? "–" : mainFigure(figures),
      run.startedAt === null || run.endedAt === null ? "–" : duration(run.endedAt - run.startedAt),
    ];
  });
  return table(["run", "of", "state", "network", "validation", "took"], rows, "lllllr").join("\n");
}

export function runText(run: RunView, slipway: string): string {
  const record = recordOf(run);
  const facts = [
    ["run", run.id],
    ["of", run.number === null ? run.name : `${run.name}@${run.number}`],
    ["state", stateText(run)],
    ...(run.startedAt === null ? [] : [["begun", moment(run.startedAt)]]),
    ...(run.anew === null ? [] : [["anew", `it did not go on: ${run.anew}`]]),
    ...(run.error === null ? [] : [["error", `${run.error.code} ${run.error.message}`]]),
  ];
  if (record === null) return columns(facts).join("\n");
  return [
    ...columns([...facts, ...recordFacts(record)]),
    ...figuresTable(record),
    ...nextSteps(run, record, slipway),
  ].join("\n");
}

function recordFacts({ task, data, network, settings, curve, result }: RunRecord): string[][] {
  const target =
    task.kind === "classification"
      ? `${task.target}, one of ${task.labels.length}: ${shortly(task.labels)}`
      : `${task.target}, a number`;
  // Runs of before have none.
  const unstratified = data.unstratified ?? null;
  const drawn = unstratified === null ? "" : `, drawn whatever their class, since ${unstratified}`;
  const skipped =
    data.skippedRows === 0 ? "" : `; ${count(data.skippedRows)} left out, such as: ${data.skippedFirst[0] ?? ""}`;
  const last = curve.at(-1);
  const { optimizer, batchRows, learningRate, seed, threads } = settings as Record<string, unknown>;
  const kind = (optimizer as { readonly kind: string }).kind;
  return [
    ["target", target],
    ["rows", `${count(data.trainingRows)} to train by, ${count(data.validationRows)} to validate by${drawn}${skipped}`],
    ["columns", columnsText(data.columns)],
    ["network", `${network.kind}, ${network.text}; ${count(network.learned)} parameters`],
    [
      "settings",
      `${kind}, rate ${String(learningRate)}, batches of ${String(batchRows)}, seed ${String(seed)}, ${String(threads)} thread${threads === 1 ? "" : "s"}`,
    ],
    ...(last === undefined ? [] : [["epochs", result === null ? `${last.epoch} so far` : endText(last.epoch, result)]]),
  ];
}

function endText(epochs: number, { bestEpoch, endedBy, seconds }: NonNullable<RunRecord["result"]>): string {
  const why = { epochs: "all of them", steps: "all steps", patience: "no better one came" }[endedBy];
  return `${epochs} (${why}), the best was ${bestEpoch}; ${duration(seconds * 1000)}`;
}

function columnsText(found: RunRecord["data"]["columns"]): string {
  const used = found.filter(({ features }) => Number(features) > 0);
  const rest = found.filter(({ features, role }) => Number(features) === 0 && role !== "label" && role !== "weight");
  const left = rest.map(({ name, role }) => `${textOf(name)} (${textOf(role)})`);
  const features = used.reduce((sum, one) => sum + Number(one["features"]), 0);
  return `${used.length} as ${features} features${left.length === 0 ? "" : `; not ${shortly(left)}`}`;
}

/** The network beside its baselines, all on the same rows. */
export function figuresTable({ baselines, result, data, network }: RunRecord): string[] {
  const validation = result?.figures.validation;
  const rows = [
    ...(validation === undefined ? [] : [[`${network.kind} (as served)`, ...figureCells(validation)]]),
    ...baselines.toReversed().map(({ name, figures }) => [name, ...figureCells(figures)]),
  ];
  const first = validation ?? baselines[0]?.figures;
  if (first === undefined) return [];
  const head = first.kind === "classification" ? ["accuracy", "95 %", "balanced", "log loss"] : ["R²", "RMSE", "MAE"];
  const test = result?.figures.test;
  return [
    "",
    ...table([`on ${count(data.validationRows)} validation rows`, ...head], rows, "lrrrr"),
    ...(test === undefined
      ? []
      : [
          "",
          ...table(
            [`on ${count(test.rows)} test rows`, ...head],
            [[`${network.kind} (as served)`, ...figureCells(test)]],
            "lrrrr",
          ),
        ]),
    "",
    verdict({ baselines, result }),
  ].filter((line, at, all) => line !== "" || all[at - 1] !== "");
}

/** Whether the network earns its place. */
function verdict({ baselines, result }: Pick<RunRecord, "baselines" | "result">): string {
  const linear = baselines.at(-1);
  const validation = result?.figures.validation;
  if (validation === undefined || linear === undefined) return "";
  const own = worth(validation);
  const other = worth(linear.figures);
  // Runs of before have no gain.
  const [low, high] =
    validation.kind === "classification"
      ? [validation.interval[0] - other, validation.interval[1] - other]
      : (result?.gain ?? [own - other, own - other]);
  const isClear = low > 0 || high < 0;
  if (!isClear) return `On these rows the network can't be told from ${linear.name}, which is simpler.`;
  return own > other
    ? `The network is better than ${linear.name}.`
    : `The network is no better than ${linear.name}, which is simpler.`;
}

function worth(figures: Figures): number {
  return figures.kind === "classification" ? figures.accuracy : figures.r2;
}

function figureCells(figures: Figures): string[] {
  if (figures.kind === "regression") return [figures.r2.toFixed(4), short(figures.rmse), short(figures.mae)];
  const [low, high] = figures.interval;
  const interval = `${low.toFixed(3)} to ${high.toFixed(3)}`;
  return [figures.accuracy.toFixed(4), interval, figures.balancedAccuracy.toFixed(4), figures.logLoss.toFixed(4)];
}

function mainFigure(figures: Figures): string {
  return figures.kind === "classification" ? `accuracy ${figures.accuracy.toFixed(4)}` : `R² ${figures.r2.toFixed(4)}`;
}

function nextSteps({ name, number }: RunView, { result }: RunRecord, slipway: string): string[] {
  if (number === null || result === null) return [];
  const serve = ["", `Serve it: ${slipway} deploy ${name}`];
  if (result.examples.length === 0) return serve;
  const example = JSON.stringify({ instances: result.examples.slice(0, 1) }).replaceAll("'", "'\\''");
  return [...serve, `Ask it: ${slipway} infer ${name} '${example}'`];
}

/** Runs side by side: what differs in what was asked for, and what they came to. */
export function comparedRuns(runs: readonly RunView[]): string {
  const flat = runs.map((run) => flatSettings(run));
  const keys = [...new Set(flat.flatMap((one) => [...one.keys()]))];
  const differing = keys.filter((key) => new Set(flat.map((one) => one.get(key) ?? "–")).size > 1);
  const figures = runs.map((run) => recordOf(run)?.result?.figures.validation);
  const isClass = figures.some((one) => one?.kind === "classification");
  const rows = [
    ...differing.map((key) => [key, ...flat.map((one) => one.get(key) ?? "–")]),
    ["epochs", ...runs.map((run) => String(recordOf(run)?.curve.at(-1)?.epoch ?? "–"))],
    [isClass ? "accuracy" : "R²", ...figures.map((one) => (one === undefined ? "–" : worth(one).toFixed(4)))],
    [
      isClass ? "log loss" : "RMSE",
      ...figures.map((one) =>
        one === undefined ? "–" : one.kind === "classification" ? one.logLoss.toFixed(4) : short(one.rmse),
      ),
    ],
  ];
  const heads = runs.map(({ id, name, number }) => (number === null ? id.slice(-8) : `${name}@${number}`));
  return table(["", ...heads], rows, `l${"r".repeat(runs.length)}`).join("\n");
}

/** Everything that decided a run, by the path of its key. */
function flatSettings(run: RunView): ReadonlyMap<string, string> {
  const record = recordOf(run);
  const found = new Map<string, string>();
  const visit = (path: string, value: unknown): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) visit(path === "" ? key : `${path}.${key}`, inner);
    } else found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  };
  visit("", {
    data: record?.data.hash.slice(0, 12),
    network: record?.network,
    settings: record?.settings,
    code: run.code,
  });
  return found;
}

function stateText({ state, progress }: RunView): string {
  return progress === null ? state : `${state}: ${progress.text}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shortly(texts: readonly string[]): string {
  return texts.length <= 8 ? texts.join(", ") : `${texts.slice(0, 8).join(", ")} and ${texts.length - 8} more`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
