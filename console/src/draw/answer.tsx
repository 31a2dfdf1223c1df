// What the model answered about an image: each label with its probability as a bar. Labels keep their places while one
// draws, so that only the bars move.
import type { Prediction } from "../api.ts";
import { CopyButton } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { msText, percentText } from "../parts/format.ts";
import type { PredictionState } from "./use-prediction.ts";

/** More labels than this are shown by their score instead of in the version's order. */
const MAX_ROWS = 10;

function rowsOf(labels: readonly string[], prediction: Prediction | null): { label: string; score: number | null }[] {
  if (labels.length > MAX_ROWS && prediction !== null) return prediction.labels.slice(0, MAX_ROWS);
  const scores = new Map(prediction?.labels.map(({ label, score }) => [label, score]));
  return labels.slice(0, MAX_ROWS).map((label) => ({ label, score: scores.get(label) ?? null }));
}

export function Answer({ labels, state }: { labels: readonly string[]; state: PredictionState }) {
  const { prediction, error } = state;
  const best = prediction?.labels[0];
  return (
    <div className="answer">
      <p className="answer-best" role="status">
        {best === undefined ? (
          <span className="quiet">No answer yet</span>
        ) : (
          <>
            <strong>{best.label}</strong> <span>{percentText(best.score)}</span>
          </>
        )}
      </p>
      <table className="bars">
        <caption className="hidden-visually">Probability of each label</caption>
        <thead className="hidden-visually">
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Probability</th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(labels, prediction).map(({ label, score }) => (
            <tr key={label} data-best={label === best?.label}>
              <th scope="row">{label}</th>
              <td>
                <span className="bar" aria-hidden="true">
                  <span style={{ width: `${(score ?? 0) * 100}%` }} />
                </span>
                <span className="number">{score === null ? "–" : percentText(score)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {error !== null && <Failure error={error} what="No answer to this image." />}
      <dl className="facts answer-facts">
        <dt>Round trip</dt>
        <dd>{prediction === null ? "–" : `${msText(prediction.roundTripMs)} ms`}</dd>
        <dt>Version</dt>
        <dd>{prediction?.version ?? "–"}</dd>
        <dt>Inference id</dt>
        <dd className="answer-id">
          <code>{prediction?.inferenceId ?? "–"}</code>
          {prediction !== null && <CopyButton text={prediction.inferenceId} label="inference id" />}
        </dd>
      </dl>
    </div>
  );
}
