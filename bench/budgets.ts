// The budgets of serving and training, once: what is promised, where the figure is found, and within which bound it keeps the promise.
// Nearly all are ratios within one run, which hold on any machine.
import { figuresIn } from "./benchmarks.ts";
import type { ModelName } from "./models.ts";
import type { Wire } from "./payloads.ts";
import type { Result } from "./record.ts";
import type { Figure } from "./summary.ts";
import { type NetworkName, OPTIMIZER_NAMES } from "./train/networks.ts";

export interface Budget {
  readonly what: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit?: string;
  /** Undefined or null where it was not measured. */
  readonly figure: (results: readonly Result[]) => Figure | null | undefined;
  /** The same by processor time, where that is known: what a busy machine changes less. It decides nothing. */
  readonly byCpu?: (results: readonly Result[]) => Figure | null | undefined;
}

export const BUDGETS: readonly Budget[] = [
  {
    what: "tiny, JSON, 32 connections: over a bare echo",
    atLeast: 0.55,
    figure: (results) => pointIn(results, "tiny", "json", 32)?.overEcho,
    byCpu: (results) => pointIn(results, "tiny", "json", 32)?.overEchoByCpu,
  },
  { what: "the same over FastAPI", atLeast: 4, ...overPeer("tiny", "FastAPI") },
  { what: "the same over mosec", atLeast: 1.7, ...overPeer("tiny", "mosec") },
  {
    what: "mid, JSON, 32 connections: over unbatched Rust",
    atLeast: 0.7,
    ...overPeer("mid", "Rust"),
  },
  {
    what: "mid, binary tensors, 32 connections: over unbatched Rust",
    atLeast: 0.9,
    ...overPeer("mid", "Rust", "binary"),
  },
  {
    what: "ms1, JSON, 32 connections: over the limit",
    atLeast: 0.7,
    figure: (results) => pointIn(results, "ms1", "json", 32)?.overLimit,
    byCpu: (results) => pointIn(results, "ms1", "json", 32)?.overLimitByCpu,
  },
  { what: "the same over mosec", atLeast: 1.8, ...overPeer("ms1", "mosec") },
  { what: "the same over unbatched Rust", atLeast: 4, ...overPeer("ms1", "Rust") },
  {
    what: "ms10, binary tensors, 32 connections: over the limit",
    atLeast: 0.9,
    figure: (results) => pointIn(results, "ms10", "binary", 32)?.overLimit,
    byCpu: (results) => pointIn(results, "ms10", "binary", 32)?.overLimitByCpu,
  },
  {
    what: "ms10 at ten times its capacity: goodput over capacity",
    atLeast: 0.9,
    figure: (results) => figuresIn(results, "overload", "ms10")?.goodputOverCapacity,
  },
  {
    what: "the same: p99 of what is answered over p99 at 80 % load",
    atMost: 3,
    figure: (results) => figuresIn(results, "overload", "ms10")?.p99OverP99At80,
  },
  ...(["tiny", "mid", "ms1"] as const).map((model) => ({
    what: `${model} at ten times its capacity: goodput over what refusals and clients leave`,
    atLeast: 0.9,
    figure: (results: readonly Result[]) => {
      const figures = figuresIn(results, "overload", model);
      // Whichever generator sent more.
      return figures?.flooded?.goodputOverLeft ?? figures?.goodputOverLeft;
    },
  })),
  {
    what: "tiny, JSON, one connection: added p50",
    atMost: 150,
    unit: " µs",
    figure: (results) => pointIn(results, "tiny", "json", 1)?.addedP50Us,
  },
  {
    what: "idle memory, all processes, no model",
    atMost: 150,
    unit: " MB",
    figure: (results) => scaled(figuresIn(results, "start", null)?.idleEmptyBytes, 1e-6),
  },
  {
    what: "ready to answer, second start",
    atMost: 2000,
    unit: " ms",
    figure: (results) => figuresIn(results, "start", null)?.secondStartMs,
  },
  ...trainingBudgets(),
  {
    what: "training on digits from file to weights, one thread: over PyTorch eager",
    atMost: 1.2,
    figure: (results) => figuresIn(results, "fit", null)?.overTorch,
    byCpu: (results) => figuresIn(results, "fit", null)?.overTorchByCpu,
  },
];

/** A step of training over PyTorch's eager one, on one thread. */
function trainingBudgets(): Budget[] {
  const bounds = { cnn: 1.2, mlp: 1.2, transformer: 1.2, resnet18: 2.5 } as const;
  return Object.entries(bounds).flatMap(([network, atMost]) =>
    OPTIMIZER_NAMES.map((optimizer) => {
      const ours = (results: readonly Result[]) =>
        figuresIn(results, "train", network as NetworkName)
          ?.steps.find((of) => of.optimizer === optimizer && of.threads === 1)
          ?.contenders.find(({ name }) => name === "fast");
      return {
        what: `training ${network}, ${optimizer}, one thread: step over PyTorch eager`,
        atMost,
        figure: (results: readonly Result[]) => ours(results)?.overTorch,
        byCpu: (results: readonly Result[]) => ours(results)?.overTorchByCpu,
      };
    }),
  );
}

function pointIn(results: readonly Result[], model: ModelName, wire: Wire, connections: number) {
  const points = figuresIn(results, "serve", model)?.points;
  return points?.find((point) => point.wire === wire && point.connections === connections);
}

/** Slipway over a peer whose name begins so. */
function overPeer(model: ModelName, peer: string, wire: Wire = "json"): Pick<Budget, "figure" | "byCpu"> {
  const found = (results: readonly Result[]) =>
    figuresIn(results, "peers", model)?.contenders.find(({ name, wire: its }) => name.startsWith(peer) && its === wire);
  return {
    figure: (results) => found(results)?.slipwayOver,
    byCpu: (results) => found(results)?.slipwayOverByCpu,
  };
}

/** Whether the median keeps the promise; null where there is none. */
export function isMet({ atLeast, atMost }: Budget, figure: Figure | null | undefined): boolean | null {
  if (figure === null || figure === undefined) return null;
  return (
    figure.median >= (atLeast ?? Number.NEGATIVE_INFINITY) && figure.median <= (atMost ?? Number.POSITIVE_INFINITY)
  );
}

export function boundText({ atLeast, atMost, unit = "" }: Budget): string {
  return atLeast === undefined ? `≤ ${atMost}${unit}` : `≥ ${atLeast}${unit}`;
}

function scaled(figure: Figure | null | undefined, by: number): Figure | null {
  if (figure === null || figure === undefined) return null;
  return { ...figure, median: figure.median * by, low: figure.low * by, high: figure.high * by };
}
