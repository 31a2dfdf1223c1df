// A run in words: what it learns, on what, how far it is and what it came to.
import type { Figures, RunRecord, RunView } from "../api.ts";
import { countText, NONE, wholeText } from "../parts/format.ts";
import { bestPoint } from "./curve.ts";

/** `iris@1`, or the name alone as long as no version came of it. */
export function runTitle({ name, number }: Pick<RunView, "name" | "number">): string {
  return number === null ? name : `${name}@${number}`;
}

/** Told apart from others of its name: `iris@1`, or `iris (C9KZ3V)` by the end of its id. */
export function runLabel({ id, name, number }: Pick<RunView, "id" | "name" | "number">): string {
  return number === null ? `${name} (${id.slice(-6)})` : `${name}@${number}`;
}

export function hasEnded({ state }: Pick<RunView, "state">): boolean {
  return state !== "queued" && state !== "running";
}

/** `species, one of 3`, `price, a number`. */
export function taskText({ run, order }: Pick<RunView, "run" | "order">): string {
  if (run === null) return order.target ?? NONE;
  const { task } = run;
  return task.kind === "classification" ? `${task.target}, one of ${task.labels.length}` : `${task.target}, a number`;
}

/** `17 of 200`; those it ran where it ended before all. */
export function epochText({ run, state }: Pick<RunView, "run" | "state">): string {
  const last = run?.curve.at(-1);
  if (run === null || last === undefined) return NONE;
  const { epochs } = run.settings;
  return state === "running" && typeof epochs === "number"
    ? `${wholeText(last.epoch)} of ${wholeText(epochs)}`
    : wholeText(last.epoch);
}

/** Four digits, with a minus sign as long as a plus sign. */
export function figureText(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  return value.toFixed(4).replace("-", "−");
}

/** Four significant digits. */
export function shortText(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** Accuracy, or R². */
export function worth(figures: Figures): number {
  return figures.kind === "classification" ? figures.accuracy : figures.r2;
}

/** The best that is known on rows it was not trained by: as served once it is through, before that at its best epoch. */
export function bestFigure(run: RunRecord | null): { readonly value: number; readonly isFinal: boolean } | null {
  const validation = run?.result?.figures.validation;
  if (validation !== undefined) return { value: worth(validation), isFinal: true };
  const score = bestPoint(run?.curve ?? [])?.validationScore ?? null;
  return score === null ? null : { value: score, isFinal: false };
}

/** Whether the network earns its place beside the linear model. */
export function verdictText({ baselines, result }: RunRecord): string | null {
  const own = result?.figures.validation;
  const linear = baselines.at(-1);
  if (own === undefined || linear === undefined) return null;
  const other = worth(linear.figures);
  // Runs of before have no gain.
  const [low, high] =
    own.kind === "classification"
      ? [own.interval[0] - other, own.interval[1] - other]
      : (result?.gain ?? [worth(own) - other, worth(own) - other]);
  if (low <= 0 && high >= 0) return `On these rows the network can’t be told from ${linear.name}, which is simpler.`;
  return worth(own) > other
    ? `The network is better than ${linear.name}.`
    : `The network is no better than ${linear.name}, which is simpler.`;
}

export function endText({ result, curve }: RunRecord): string | null {
  if (result === null) return null;
  const why = { epochs: "all of them", steps: "all steps done", patience: "no better one came" }[result.endedBy];
  return `${countText(curve.at(-1)?.epoch ?? 0, "epoch")} (${why}); the best was ${wholeText(result.bestEpoch)}, whose weights are served`;
}

/** Everything that decided a run, by the path of its key: `settings.optimizer.kind`. */
export function decided({ run, code }: Pick<RunView, "run" | "code">): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string, value: unknown): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) visit(path === "" ? key : `${path}.${key}`, inner);
    else found.set(path, plainText(value));
  };
  if (run !== null) visit("", { rows: run.data.hash.slice(0, 12), network: run.network, settings: run.settings });
  visit("code", code);
  return found;
}

/** A setting as people write it. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return shortText(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
