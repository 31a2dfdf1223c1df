// What the registry knows, as plain data: models and their versions, what endpoints serve, and what was decided.
// Times are whole milliseconds since the Unix epoch.
import type { ModelScan } from "@slipway/core/onnx";

/** A value as JSON has them. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

export interface ModelFile {
  /** Relative to the model's folder, with "/" between parts. */
  readonly path: string;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly hash: string;
  readonly sizeBytes: number;
}

/** An immutable ONNX graph and its weights. */
export interface Model {
  readonly tenant: string;
  /** SHA-256 of the bytes of its only file; of a manifest of its files where there are more (`modelHash`). */
  readonly hash: string;
  /** Of all its files. */
  readonly sizeBytes: number;
  /** The ONNX file and its external data, by path. */
  readonly files: readonly ModelFile[];
  /** Path of the ONNX file. */
  readonly mainFile: string;
  /** What examining the ONNX file found. */
  readonly scan: ModelScan;
  readonly importedAt: number;
}

/** A name and a number for a model with its processing; never changes. */
export interface Version {
  readonly tenant: string;
  readonly name: string;
  /** 1, 2, 3, … within the name. */
  readonly number: number;
  readonly modelHash: string;
  /** The steps before and after the model. */
  readonly processing: JsonObject | null;
  readonly note: string | null;
  /** Where it came from, for people. */
  readonly source: string;
  readonly createdAt: number;
}

/**
 * staged: being loaded; live: its endpoint's; retired: was live, may be again; failed: never came to serve.
 */
export type DeploymentState = "staged" | "live" | "retired" | "failed";

/** A version with settings, on an endpoint. */
export interface Deployment {
  readonly tenant: string;
  /** Later ones sort behind earlier ones. */
  readonly id: string;
  readonly endpoint: string;
  readonly name: string;
  readonly number: number;
  /** What it sets differently from the configuration. */
  readonly settings: JsonObject;
  readonly state: DeploymentState;
  /** Why it is in this state, for people. */
  readonly reason: string | null;
  readonly createdAt: number;
  readonly changedAt: number;
}

/** A share of an endpoint's traffic. */
export interface EndpointVariant {
  readonly deploymentId: string;
  /** Shares are weights over their sum. */
  readonly weight: number;
}

export interface Endpoint {
  readonly tenant: string;
  readonly name: string;
  readonly variants: readonly EndpointVariant[];
  readonly liveDeploymentId: string | null;
  /** What was live before, and a rollback returns to. */
  readonly previousDeploymentId: string | null;
  readonly changedAt: number;
}

export type DecisionKind =
  | "imported"
  | "deployed"
  | "rolled-back"
  | "unloaded"
  | "load-failed"
  | "released"
  | "measured"
  | "policy-set"
  | "policy-removed"
  | "overridden"
  | "dataset-added"
  | "collected"
  | "job-cancelled"
  | "job-resumed";

/** Something that was decided or changed; never altered afterwards. */
export interface Decision {
  readonly tenant: string;
  /** Later ones sort behind earlier ones. */
  readonly id: string;
  readonly at: number;
  readonly actor: string;
  readonly kind: DecisionKind;
  /** The name or endpoint it is about. */
  readonly subject: string;
  /** What happened, for people. */
  readonly text: string;
  /** Why, as whoever decided it says. */
  readonly reason: string | null;
  readonly details: JsonObject;
}

/** Who decides, and why. */
export interface Authority {
  readonly actor: string;
  readonly reason: string | null;
}
