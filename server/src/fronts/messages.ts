// What the server and its front processes say to each other, over Node's channel between parent and child. Few and plain:
// requests and tensors never go here, they go from a front to the runners on links of their own.
import type { AddressInfo } from "node:net";
import type { ErrorCode } from "@slipway/core/base";
import type { ModelStatistics, RepositoryEntry } from "@slipway/core/wire";
import type { Signature } from "@slipway/core/tensor";
import type { Settings } from "#config";
import type { BooksSnapshot } from "#monitor";
import type { BatchingPlan, ExecutorState, LoadedModel, Verdict } from "#runtime";
import type { DeploymentSpec } from "#serve";

/** A deployment, as a front needs to know it. */
export interface FrontDeployment extends Pick<DeploymentSpec, "deploymentId" | "endpoint" | "version" | "queue"> {
  /** Which loading of it this is: a rollback loads one again, whose last requests may still be on their way. */
  readonly loadId: number;
  /** The version's processing as it was declared, and the signature it is for. */
  readonly processing: unknown;
  readonly signature: Signature;
  /** See `DeployOptions.isExpected`. */
  readonly isExpected: boolean;
}

/** From the server to a front; each is answered. */
export type Order =
  | {
      readonly type: "start";
      readonly index: number;
      readonly settings: Settings;
      readonly version: string;
      /** Hexadecimal. */
      readonly fingerprintKey: string;
    }
  /** Once it knows all that is deployed, so that it never answers for less. Port 0 takes a free one. */
  | { readonly type: "listen"; readonly port: number }
  | { readonly type: "load"; readonly deployment: FrontDeployment }
  | { readonly type: "model"; readonly loadId: number; readonly model: LoadedModel }
  /** With the front's end of a link to a runner. */
  | { readonly type: "link"; readonly loadId: number; readonly runner: number }
  | { readonly type: "switch"; readonly loadId: number }
  | { readonly type: "fail"; readonly loadId: number; readonly code: ErrorCode; readonly message: string }
  /** What should be live and could not be brought back; it was told of as loading, or not at all. */
  | {
      readonly type: "miss";
      readonly deployment: FrontDeployment;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly type: "unload"; readonly endpoint: string }
  /** Answered once nothing of the deployment is left here. */
  | { readonly type: "retire"; readonly loadId: number }
  | { readonly type: "lost"; readonly loadId: number; readonly runner: number }
  | { readonly type: "judge"; readonly loadId: number; readonly runner: number; readonly verdict: Verdict }
  | { readonly type: "resume"; readonly loadId: number; readonly runner: number }
  | {
      readonly type: "state";
      readonly loadId: number;
      readonly state: ExecutorState;
      readonly reason: string | null;
    }
  | { readonly type: "batching"; readonly loadId: number; readonly plan: BatchingPlan }
  | { readonly type: "report" }
  | { readonly type: "close"; readonly drainTimeoutMs: number };

/** What each order is answered with; the others with nothing. */
export interface Answers {
  readonly listen: AddressInfo;
  readonly lost: number;
  readonly judge: string | null;
  readonly report: FrontReport;
}
export type AnswerTo<Type extends Order["type"]> = Type extends keyof Answers ? Answers[Type] : null;

/** What a front knows that the server shows. */
export interface FrontReport {
  readonly books: BooksSnapshot;
  readonly residentBytes: number;
  readonly inFlight: number;
  readonly deployments: readonly FrontCounts[];
}

export interface FrontCounts {
  readonly deploymentId: string;
  readonly isLive: boolean;
  readonly queuedRequests: number;
  readonly queuedBytes: number;
  readonly inFlight: number;
  readonly runners: readonly { readonly id: number; readonly runs: number; readonly inFlight: number }[];
}

/** What only the server knows: everything, over all fronts. */
export interface Overview {
  readonly statistics: readonly ModelStatistics[];
  readonly repository: readonly RepositoryEntry[];
}

export type ToFront =
  | { readonly kind: "order"; readonly id: number; readonly order: Order }
  | { readonly kind: "overview"; readonly id: number; readonly overview: Overview };

export type FromFront =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly code: ErrorCode; readonly message: string }
  | {
      readonly kind: "overview";
      readonly id: number;
      readonly endpoint: string | null;
      readonly version: string | null;
    }
  /** A link that ended although its runner seems to live: that runner is of no use any more. */
  | { readonly kind: "broken"; readonly loadId: number; readonly runner: number }
  | { readonly kind: "log"; readonly message: string; readonly facts: Readonly<Record<string, unknown>> };
