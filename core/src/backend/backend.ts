// The interface every engine that can run a model implements: ONNX Runtime on servers, its web build in browsers, and a
// small reference engine for tests. Scheduling and batching know only this.
import type { NamedTensor, Signature } from "#tensor";

/** The bytes of a model: the ONNX file, and the files of its external data by the names the model uses. */
export interface ModelBytes {
  readonly model: Uint8Array;
  readonly externalData: ReadonlyMap<string, Uint8Array>;
}

/** How an engine runs a model. Which keys and values an engine knows is its own; it refuses the ones it does not. */
export interface SessionSettings {
  /** Threads a single run may use. */
  readonly intraOpThreads: number;
  readonly graphOptimizationLevel: "disabled" | "basic" | "extended" | "all";
  /** Execution providers, most preferred first, such as "cpu". */
  readonly executionProviders: readonly string[];
  /** Configuration entries of the engine, such as "session.disable_quant_qdq" → "1". */
  readonly configEntries: Readonly<Record<string, string>>;
}

export const DEFAULT_SESSION_SETTINGS: SessionSettings = {
  intraOpThreads: 1,
  graphOptimizationLevel: "all",
  executionProviders: ["cpu"],
  configEntries: {},
};

/** A model that is loaded and can run. */
export interface Session {
  readonly signature: Signature;
  /**
   * Runs the model once.
   * @param inputs every required input, once each; shapes that fit the signature
   * @param outputs the names wanted, in the order they are answered
   * @throws SlipwayError RUN_FAILED when the engine refuses these inputs
   */
  run(inputs: readonly NamedTensor[], outputs: readonly string[]): Promise<NamedTensor[]>;
  /** Gives back what the session holds. Running it afterwards is a bug. */
  unload(): Promise<void>;
}

export interface Backend {
  /** As shown to people: "onnxruntime-node 1.30.0". */
  readonly name: string;
  /**
   * Loads a model.
   * @throws SlipwayError MODEL_MALFORMED, MODEL_INVALID, MODEL_UNSUPPORTED or MODEL_LOAD_FAILED
   */
  load(model: ModelBytes, settings: SessionSettings): Promise<Session>;
  /** Memory of the process that holds the sessions, in bytes, where it can be known. */
  residentBytes(): number | null;
}
