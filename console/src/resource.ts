// What a page reads once rather than each second: loaded when it is first needed, kept while moving between pages, and
// read again on request.
import { useCallback, useEffect, useState } from "react";
import type { ApiError } from "./api.ts";

export interface Resource<T> {
  readonly data: T | null;
  readonly error: ApiError | Error | null;
  readonly reload: () => void;
}

const KEPT = new Map<string, unknown>();

/** The answer of `load`, named by `key` (its operation and inputs); `refreshKey` reads it again when it changes. */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  refreshKey: string | number = 0,
): Resource<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: Error | null }>({
    key,
    data: (KEPT.get(key) as T | undefined) ?? null,
    error: null,
  });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setState((before) =>
      before.key === key ? before : { key, data: (KEPT.get(key) as T | undefined) ?? null, error: null },
    );
    load(controller.signal).then(
      (data) => {
        KEPT.set(key, data);
        if (!controller.signal.aborted) setState({ key, data, error: null });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setState((before) => ({ ...before, error: error instanceof Error ? error : new Error(String(error)) }));
      },
    );
    return () => controller.abort();
    // `load` is made anew at each render; `key` says whether it would answer something else.
  }, [key, attempt, refreshKey]);
  const reload = useCallback(() => setAttempt((n) => n + 1), []);
  const isPresent = state.key === key;
  return { data: isPresent ? state.data : null, error: isPresent ? state.error : null, reload };
}

/** As `useResource`, read again each `periodMs` while `isFollowed` and somebody looks. */
export function useFollowed<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  options: { readonly periodMs: number; readonly isFollowed: (data: T) => boolean },
): Resource<T> {
  const [turn, setTurn] = useState(0);
  const resource = useResource(key, load, turn);
  const { data, error } = resource;
  const isFollowed = error !== null || (data !== null && options.isFollowed(data));
  const { periodMs } = options;
  useEffect(() => {
    if (!isFollowed) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") setTurn((n) => n + 1);
    }, periodMs);
    return () => clearInterval(timer);
  }, [isFollowed, periodMs]);
  return resource;
}
