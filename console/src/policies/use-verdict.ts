// What evidence of a version says of a policy while it is being written: asked a moment after the last change, so that a
// line at fault is known before anything is saved.
import { useEffect, useState } from "react";
import { client, type PolicyVerdictView } from "../api.ts";
import { linesOf, type PolicyLine } from "./policy-lines.ts";

const PAUSE_MS = 300;

export interface Answer {
  /** The lines it is about; they may have changed since. */
  readonly lines: readonly PolicyLine[];
  readonly judged: PolicyVerdictView | null;
  readonly error: Error | null;
}

const NOTHING: Answer = { lines: [], judged: null, error: null };

/** @param version null where there is none to ask about */
export function useVerdict(text: string, version: { name: string; number: number } | null): Answer {
  const [answer, setAnswer] = useState<Answer>(NOTHING);
  const name = version?.name ?? null;
  const number = version?.number ?? 0;
  useEffect(() => {
    const lines = linesOf(text);
    if (name === null || lines.length === 0) {
      setAnswer(NOTHING);
      return undefined;
    }
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const body = { requirements: lines.map((line) => line.text) };
      client.checkPolicy({ params: { name, number }, body }, { signal: controller.signal }).then(
        ({ judged }) => setAnswer({ lines, judged, error: null }),
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setAnswer({ lines, judged: null, error: error instanceof Error ? error : new Error(String(error)) });
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, name, number]);
  return answer;
}
