// Try the model: draw something, pick a sample, or choose an image, and see what it answers as one goes.
import { type ChangeEvent, useEffect, useState } from "react";
import { Answer } from "./answer.tsx";
import { DrawingCanvas, imageFromStrokes } from "./canvas.tsx";
import type { ImageTask } from "./image-task.ts";
import { SAMPLES, type Stroke } from "./samples.ts";
import { usePrediction } from "./use-prediction.ts";
import "./draw.css";

export function DrawPanel({ endpoint, task }: { endpoint: string; task: ImageTask }) {
  const [strokes, setStrokes] = useState<readonly Stroke[]>([]);
  const [picture, setPicture] = useState<{ file: File; address: string } | null>(null);
  const [state, ask] = usePrediction(endpoint);
  useEffect(() => (picture === null ? undefined : () => URL.revokeObjectURL(picture.address)), [picture]);

  const draw = (next: readonly Stroke[]): void => {
    setPicture(null);
    setStrokes(next);
    ask(next.length === 0 ? null : () => imageFromStrokes(next));
  };
  const choose = (event: ChangeEvent<HTMLInputElement>): void => {
    const file = event.target.files?.[0];
    event.target.value = "";
    if (file === undefined) return;
    setStrokes([]);
    setPicture({ file, address: URL.createObjectURL(file) });
    ask(() => file);
  };
  const clear = (): void => {
    setPicture(null);
    setStrokes([]);
    ask(null);
  };
  const digits = SAMPLES.filter(({ digit }) => task.labels.includes(digit));
  const isEmpty = strokes.length === 0 && picture === null;
  return (
    <section className="draw" aria-labelledby="draw-title">
      <header>
        <h2 id="draw-title">{task.isDrawable ? "Draw a digit" : "Try an image"}</h2>
        <span className="quiet">sent to {endpoint} as you go</span>
      </header>
      <div className="draw-body">
        <div className="draw-input">
          <div className="paper">
            {task.isDrawable && <DrawingCanvas strokes={strokes} onChange={draw} />}
            {picture !== null && <img src={picture.address} alt={`Chosen: ${picture.file.name}`} />}
            {isEmpty && (
              <span className="paper-hint" aria-hidden="true">
                {task.isDrawable ? "Draw here" : "No image yet"}
              </span>
            )}
          </div>
          {task.isDrawable && digits.length > 0 && (
            <div className="samples" role="group" aria-label="Sample digits">
              {digits.map(({ digit, strokes }) => (
                <button
                  type="button"
                  key={digit}
                  className="button small"
                  aria-label={`Sample ${digit}`}
                  onClick={() => draw(strokes)}
                >
                  {digit}
                </button>
              ))}
            </div>
          )}
          <div className="draw-actions">
            <label className="button small">
              Choose an image
              <input type="file" accept="image/png,image/jpeg" className="hidden-visually" onChange={choose} />
            </label>
            <button type="button" className="button small" disabled={isEmpty} onClick={clear}>
              Clear
            </button>
          </div>
        </div>
        <Answer labels={task.labels} state={state} />
      </div>
    </section>
  );
}
