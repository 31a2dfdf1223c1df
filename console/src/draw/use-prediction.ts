// Asks the endpoint about an image that keeps changing: one request at a time, always on the newest image, so that a
// slow server is never sent more than it answers.
import { useCallback, useEffect, useRef, useState } from "react";
import { type Prediction, predict } from "../api.ts";

/** Time without a change before an image is sent. */
const DEBOUNCE_MS = 60;

export interface PredictionState {
  readonly prediction: Prediction | null;
  readonly error: Error | null;
}

const NOTHING: PredictionState = { prediction: null, error: null };

/** The answer so far, and how to ask about another image; null forgets the answer. */
export function usePrediction(
  endpoint: string,
): [PredictionState, (image: (() => Blob | Promise<Blob>) | null) => void] {
  const [state, setState] = useState(NOTHING);
  const wanted = useRef<(() => Blob | Promise<Blob>) | null>(null);
  const inFlight = useRef<AbortController | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const send = useCallback(async () => {
    if (inFlight.current !== null) return;
    while (wanted.current !== null) {
      const image = wanted.current;
      wanted.current = null;
      const controller = new AbortController();
      inFlight.current = controller;
      try {
        const prediction = await predict(endpoint, await image(), controller.signal);
        if (!controller.signal.aborted) setState({ prediction, error: null });
      } catch (error) {
        if (!controller.signal.aborted)
          setState((before) => ({ ...before, error: error instanceof Error ? error : new Error(String(error)) }));
      }
    }
    inFlight.current = null;
  }, [endpoint]);

  const ask = useCallback(
    (image: (() => Blob | Promise<Blob>) | null) => {
      clearTimeout(timer.current);
      wanted.current = image;
      if (image !== null) {
        timer.current = setTimeout(() => void send(), DEBOUNCE_MS);
        return;
      }
      inFlight.current?.abort();
      setState(NOTHING);
    },
    [send],
  );
  useEffect(() => () => ask(null), [ask]);
  return [state, ask];
}
