// Whether a model fits a device: each question with its numbers, and the verdict they give. Pure.
import type { NodeCost } from "@slipway/core/cost";
import type { DeviceFigure, DeviceProfile } from "./device-profile.ts";
import { POWER_FACTOR } from "./built-in.ts";
import { estimateLatency, type LatencyEstimate } from "./estimate.ts";

/** "not-asked": the number is there, but nobody said what it may be. */
export type FitVerdict = "fits" | "tight" | "does-not-fit" | "unknown" | "not-asked";
export type FitQuestion = "memory" | "latency" | "energy" | "operators" | "download";

export interface FitCheck {
  readonly question: FitQuestion;
  readonly verdict: FitVerdict;
  readonly unit: "B" | "ms" | "J" | "1";
  /** The estimate with where it lies for certain enough; null where it is not known. */
  readonly found: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  /** null where there is none. */
  readonly limit: number | null;
  /** How the estimate was made, or why there is none. */
  readonly method: string;
}

export interface DeviceFit {
  readonly device: string;
  readonly about: string;
  readonly place: DeviceProfile["place"];
  readonly engine: string;
  readonly asOf: string;
  readonly verdict: FitVerdict;
  readonly checks: readonly FitCheck[];
  readonly latency: LatencyEstimate | null;
}

/** What is known of the model, at the shapes it is asked about. */
export interface FitModel {
  readonly nodes: readonly NodeCost[];
  readonly weightsBytes: number;
  /** null where it is not known, with the reason. */
  readonly activationsBytes: number | null;
  readonly activationsReason: string | null;
  /** All files together, as they are sent. */
  readonly fileBytes: number;
  /** Operators with how many nodes have them, in bodies too. */
  readonly operators: readonly { readonly operator: string; readonly nodes: number }[];
}

/** What is asked of it; null where nothing is. */
export interface FitLimits {
  readonly latencyMs: number | null;
  readonly energyJ: number | null;
}

/** Weights as they are read, as tensors, and packed for kernels. */
const MOST_WEIGHTS = 3;
/** An arena that doubles as it grows, and what kernels need beside their results. */
const MOST_ACTIVATIONS = 3;
/** The graph as the engine holds it, threads and code: what sessions of up to 500 nodes took beyond the above. */
const MOST_SESSION_BYTES = 40e6;

/**
 * Compares what a model needs with what a device has. A need is a range; it fits where all of the range is within the limit,
 * does not where none is, and is tight between. The device's verdict is the worst of those that are asked, where what is
 * unknown comes before tight: it never passes for fitting.
 */
export function fitOf(model: FitModel, device: DeviceProfile, limits: FitLimits): DeviceFit {
  const latency = estimateLatency(model.nodes, device);
  const known = "seconds" in latency ? latency : null;
  const checks: readonly FitCheck[] = [
    memoryCheck(model, device),
    latencyCheck(latency, device, limits.latencyMs),
    energyCheck(latency, device, limits.energyJ),
    operatorsCheck(model, device),
    downloadCheck(model, device.downloadBytes),
  ];
  const { name, about, place, engine, asOf } = device;
  return { device: name, about, place, engine, asOf, verdict: worstOf(checks), checks, latency: known };
}

/** The worst first. */
const BY_SEVERITY: readonly FitVerdict[] = ["does-not-fit", "unknown", "tight", "fits"];

export function worstOf(checks: readonly FitCheck[]): FitVerdict {
  return BY_SEVERITY.find((verdict) => checks.some((one) => one.verdict === verdict)) ?? "not-asked";
}

/** A range against a limit. */
export function verdictOf(lower: number, upper: number, limit: number | null): FitVerdict {
  if (limit === null) return "not-asked";
  if (upper <= limit) return "fits";
  return lower > limit ? "does-not-fit" : "tight";
}

function memoryCheck({ weightsBytes, activationsBytes, activationsReason }: FitModel, device: DeviceProfile): FitCheck {
  const { memoryBytes, engineBytes } = device;
  const limit = memoryBytes.value;
  const at = { question: "memory", unit: "B", limit } as const;
  if (limit === null) return unknownCheck(at, `the memory of ${device.name} is not known`);
  if (activationsBytes === null) return unknownCheck(at, activationsReason ?? "activations are not known");
  if (engineBytes.value === null) return unknownCheck(at, `what the engine takes on ${device.name} is not known`);
  const found = engineBytes.value + weightsBytes + activationsBytes;
  // Activations are an upper bound already: nothing is reused in place.
  const lower = engineBytes.value + weightsBytes;
  const upper =
    found + (MOST_WEIGHTS - 1) * weightsBytes + (MOST_ACTIVATIONS - 1) * activationsBytes + MOST_SESSION_BYTES;
  const method = `engine, weights and activations alive at once; up to ${MOST_WEIGHTS} times the weights (read, held, packed), ${MOST_ACTIVATIONS} times the activations (an arena doubles) and ${MOST_SESSION_BYTES / 1e6} MB of the session`;
  return { ...at, verdict: verdictOf(lower, upper, limit), found, lower, upper, method };
}

function latencyCheck(
  latency: ReturnType<typeof estimateLatency>,
  { uncertaintyFactor }: DeviceProfile,
  limit: number | null,
): FitCheck {
  const at = { question: "latency", unit: "ms", limit } as const;
  if ("reason" in latency) return unknownOrNotAsked(at, latency.reason);
  const [found, lower, upper] = [latency.seconds, latency.lower, latency.upper].map((seconds) => 1000 * seconds);
  return {
    ...at,
    verdict: verdictOf(lower!, upper!, limit),
    found: found!,
    lower: lower!,
    upper: upper!,
    method: `roofline estimate of one run, node by node, within a factor of ${uncertaintyFactor}; queueing is not in it`,
  };
}

function energyCheck(
  latency: ReturnType<typeof estimateLatency>,
  { busyWatts, name }: DeviceProfile,
  limit: number | null,
): FitCheck {
  const at = { question: "energy", unit: "J", limit } as const;
  if ("reason" in latency) return unknownOrNotAsked(at, latency.reason);
  const watts = busyWatts.value;
  if (watts === null) return unknownOrNotAsked(at, `the power of ${name} is not known`);
  const [lower, upper] = [(latency.lower * watts) / POWER_FACTOR, latency.upper * watts * POWER_FACTOR];
  return {
    ...at,
    verdict: verdictOf(lower, upper, limit),
    found: latency.seconds * watts,
    lower,
    upper,
    method: `estimate: the estimated time at ${watts} W beyond idling, power within a factor of ${POWER_FACTOR}`,
  };
}

/** `found` is how many nodes have operators the device does not run. */
function operatorsCheck({ operators }: FitModel, { operators: theirs, name }: DeviceProfile): FitCheck {
  const at = { question: "operators", unit: "1", limit: 0 } as const;
  const exact = (found: number) => ({ found, lower: found, upper: found });
  if (theirs.isAll) return { ...at, ...exact(0), verdict: "fits", method: theirs.source };
  if (theirs.names === null) return unknownCheck(at, `which operators ${name} runs is not known: ${theirs.source}`);
  const known = new Set(theirs.names);
  const missing = operators.filter(({ operator }) => !known.has(operator));
  const nodes = missing.reduce((sum, one) => sum + one.nodes, 0);
  if (nodes === 0) return { ...at, ...exact(0), verdict: "fits", method: theirs.source };
  const list = missing
    .slice(0, 8)
    .map((one) => one.operator)
    .join(", ");
  const fate = theirs.others === "fall-back" ? "run elsewhere, with copies between" : "are refused";
  return {
    ...at,
    ...exact(nodes),
    verdict: theirs.others === "fall-back" ? "tight" : "does-not-fit",
    method: `${nodes} nodes of ${list}${missing.length > 8 ? ", …" : ""} ${fate} (${theirs.source})`,
  };
}

function downloadCheck({ fileBytes }: FitModel, budget: DeviceFigure): FitCheck {
  const limit = budget.value;
  const [found, lower, upper] = [fileBytes, fileBytes, fileBytes];
  return {
    question: "download",
    unit: "B",
    limit,
    verdict: verdictOf(lower, upper, limit),
    found,
    lower,
    upper,
    method: `bytes of all files, uncompressed; ${budget.source}`,
  };
}

/** What nobody asks need not be known. */
function unknownOrNotAsked(at: Pick<FitCheck, "question" | "unit" | "limit">, reason: string): FitCheck {
  return { ...unknownCheck(at, reason), verdict: at.limit === null ? "not-asked" : "unknown" };
}

function unknownCheck(at: Pick<FitCheck, "question" | "unit" | "limit">, reason: string): FitCheck {
  return { ...at, verdict: "unknown", found: null, lower: null, upper: null, method: reason };
}
