// The door of serving: protocols route a name to a variant, hand over tensors, and get one outcome. Nothing here knows
// HTTP or ONNX Runtime.
import type { SlipwayError } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import type { Executor, ExecutorStatus, RunTimes } from "#runtime";
import type { RequestContext } from "./context.ts";

/** What a protocol hands over. */
export interface InferenceRequest {
  readonly inputs: readonly NamedTensor[];
  /** Names of the outputs wanted, in order; null asks for all. */
  readonly outputs: readonly string[] | null;
}

/** Where a request's time went, in milliseconds from its arrival. */
export interface StageTimes {
  /** From admission until it was handed to a runner. */
  readonly queueMs: number;
  readonly run: RunTimes;
}

export type InferenceOutcome =
  | { readonly ok: true; readonly outputs: readonly NamedTensor[]; readonly times: StageTimes }
  | { readonly ok: false; readonly error: SlipwayError };

/** A deployment that is, or was, loaded: what a request is routed to. */
export interface Variant {
  readonly deploymentId: string;
  readonly endpoint: string;
  /** The version's number as text, as the protocols show it. */
  readonly version: string;
  readonly signature: Signature;
  /** Whatever the composition root attached: compiled processing, labels. */
  readonly attachment: unknown;
  /**
   * Checks the request against the signature, admits it, and answers through `done` exactly once, never before this
   * returns. Refusals come through `done` too. Answers how to cancel: after that `done` is not called.
   */
  submit(request: InferenceRequest, context: RequestContext, done: (outcome: InferenceOutcome) => void): () => void;
  /**
   * Refuses, whatever it asks, a request that there is no room or not enough time for, before anyone reads it: under
   * overload most requests are refused, and what that costs is taken from those that are not. It then counts as refused
   * and must not be submitted. Null where it may be.
   */
  refuseUnread(context: RequestContext): SlipwayError | null;
  /** Whether `refuseUnread` could refuse anything. */
  readonly isCrowded: boolean;
  /**
   * Keeps the deployment loaded, and taking this caller's request, until what is answered is called. Needed only where
   * something is awaited between routing a request and submitting it; a reload then still loses none.
   */
  hold(): () => void;
}

/** What a deployment needs to be loaded. */
export interface DeploymentSpec {
  readonly deploymentId: string;
  readonly endpoint: string;
  readonly version: string;
  readonly queue: {
    readonly maxRequests: number;
    readonly maxBytes: number;
    readonly priorityLevels: number;
    readonly agingMs: number;
  };
  readonly attachment: unknown;
  /** What its runners are expected to take when loaded, for the memory budget. */
  readonly estimatedBytes: number;
  /** Loads the model and answers when it is warm. Rejects with a coded error when it can't be served. */
  readonly load: (signal: AbortSignal) => Promise<Executor>;
}

export type VariantState = "loading" | "ready" | "not-ready" | "draining" | "unloaded" | "failed";

export interface VariantStatus {
  readonly deploymentId: string;
  readonly endpoint: string;
  readonly version: string;
  readonly state: VariantState;
  readonly reason: string | null;
  readonly isLive: boolean;
  readonly queuedRequests: number;
  readonly queuedBytes: number;
  readonly inFlight: number;
  readonly executor: ExecutorStatus | null;
}

/** What serving tells whoever watches. Called synchronously; must not throw. */
export interface ServeHooks {
  /** A request was accepted into a queue. */
  onAdmitted?(variant: Variant, context: RequestContext): void;
  /** A request that was admitted ended: answered, failed or cancelled (REQUEST_CANCELLED). Once per admitted request. */
  onEnded?(variant: Variant, context: RequestContext, outcome: InferenceOutcome, endedAt: number): void;
  /** A request was refused before admission. */
  onRefused?(variant: Variant, context: RequestContext, error: SlipwayError): void;
  onVariantChanged?(status: VariantStatus): void;
}

export interface DeployOptions {
  /** Takes a signature that would break callers of the live one. */
  readonly allowBreaking?: boolean;
  /**
   * The endpoint should answer whether or not this succeeds, as when it was live before a restart: until something is
   * live, the server is not ready, and a failure stays in `status`.
   */
  readonly isExpected?: boolean;
  /**
   * The gate: asked once the deployment is warm, right before the switch. Whoever must know of the switch first (the
   * registry) is told here; a rejection leaves what was live.
   */
  readonly beforeSwitch?: (candidate: Variant) => Promise<void>;
  /** Gives up loading; what was live stays. */
  readonly signal?: AbortSignal;
}

export interface UnloadOptions {
  /** Asked in its turn, right before anything is taken out; a rejection leaves what was live. */
  readonly beforeUnload?: () => Promise<void>;
}

export interface Serving {
  /**
   * The variant a request goes to.
   * @param version pins a version; null routes to what is live
   * @throws SlipwayError ENDPOINT_NOT_FOUND, VERSION_NOT_SERVED, ENDPOINT_NOT_READY or SHUTTING_DOWN
   */
  route(endpoint: string, version: string | null): Variant;
  /**
   * Loads a deployment and switches the endpoint to it: the old one answers until the new one is warm, then drains
   * what it admitted and unloads. On failure the old one stays. Deployments to one endpoint happen one after the other,
   * in the order asked for. Resolves at the switch.
   * @throws SlipwayError SIGNATURE_BREAKING (its details list the differences), MEMORY_BUDGET, MODEL_*, INTERRUPTED
   * or SHUTTING_DOWN
   */
  deploy(spec: DeploymentSpec, options?: DeployOptions): Promise<Variant>;
  /**
   * Takes an endpoint out of service, after the deployments to it that were asked for before: drains and unloads all its
   * variants. Resolves when they are gone.
   * @throws SlipwayError ENDPOINT_NOT_FOUND
   */
  unload(endpoint: string, options?: UnloadOptions): Promise<void>;
  /**
   * Ends the quarantine of an endpoint's live deployment.
   * @throws SlipwayError ENDPOINT_NOT_FOUND or ENDPOINT_NOT_READY
   */
  release(endpoint: string): Promise<void>;
  status(): readonly VariantStatus[];
  /** Whether every endpoint that should answer can. */
  isReady(): boolean;
  /** Takes no new requests, gives up loading, lets those in flight finish within the time given, then unloads everything. */
  close(drainTimeoutMs: number): Promise<void>;
}
