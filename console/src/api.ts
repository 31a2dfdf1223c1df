// How the console speaks with its server: the typed client of the administration API, and the one request it makes
// outside that API's table, a prediction on an image. The console's cookie carries the token.
import {
  apiErrorFrom,
  createClient,
  type DatasetView,
  type OperationInput,
  type ReportView,
  type RunView,
} from "slipway/client";

export {
  ApiError,
  type ConfigView,
  type DatasetView,
  type DecisionView,
  type DeploymentView,
  type EndpointView,
  type JobView,
  type LiveView,
  type MeasurementView,
  type ModelView,
  type PolicyVerdictView,
  type PolicyView,
  type PortView,
  type ReportView,
  type RunnerView,
  type RunView,
  type SignatureView,
  type StatusView,
  type TrafficView,
  type VersionView,
} from "slipway/client";

export const client = createClient({ address: "" });

/** A piece of evidence, and what it is worth today. */
export type Evidence = ReportView["evidence"][number];
export type MeasuredValue = Evidence["values"][string];
export type Chart = ReportView["charts"][number];
/** What was found in a dataset's rows. */
export type Inspection = NonNullable<DatasetView["manifest"]["inspection"]>;
export type Distribution = NonNullable<Inspection["columns"][number]["distribution"]>;
/** What is known of a run once it has been through an epoch. */
export type RunRecord = NonNullable<RunView["run"]>;
export type EpochPoint = RunRecord["curve"][number];
export type Figures = RunRecord["baselines"][number]["figures"];
/** What is asked for when a run is started; what is left out is chosen by the server. */
export type TrainingOrder = OperationInput<"startTraining">["body"];
export type Comparison = NonNullable<ReportView["comparison"]>;

export interface LabelScore {
  readonly label: string;
  /** From 0 to 1. */
  readonly score: number;
}

export interface Prediction {
  readonly version: string;
  readonly inferenceId: string;
  /** Best first, as the version's processing answers them. */
  readonly labels: readonly LabelScore[];
  /** From sending the image to having read the answer, as this page saw it. */
  readonly roundTripMs: number;
}

interface PredictAnswer {
  readonly model_version: string;
  readonly inference_id: string;
  readonly predictions: readonly { readonly labels?: readonly LabelScore[] }[];
}

/**
 * The labels of one image (PNG or JPEG) by the endpoint's live version.
 * @throws ApiError when the server answers with an error, TypeError when it can't be reached
 */
export async function predict(endpoint: string, image: Blob, signal: AbortSignal): Promise<Prediction> {
  const startedAt = performance.now();
  const response = await fetch(`/api/endpoints/${encodeURIComponent(endpoint)}/predict`, {
    method: "POST",
    headers: { "content-type": image.type === "" ? "image/png" : image.type },
    body: image,
    signal,
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw apiErrorFrom(response.status, answer);
  const { model_version, inference_id, predictions } = answer as PredictAnswer;
  return {
    version: model_version,
    inferenceId: inference_id,
    labels: predictions[0]?.labels ?? [],
    roundTripMs: performance.now() - startedAt,
  };
}
