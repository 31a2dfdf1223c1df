// The one owner of what flows: asks the server each second how it is and what traffic it had, keeps the last minute, and
// tells pages. When the server is gone, what was last known stays and is called stale.
import { useSyncExternalStore } from "react";
import { ApiError, client, type LiveView, type StatusView } from "./api.ts";

export const KEPT_SECONDS = 60;
const PERIOD_MS = 1000;
const TIMEOUT_MS = 5000;

export interface FeedState {
  readonly connection: "connecting" | "live" | "stale" | "unauthorized";
  readonly status: StatusView | null;
  /** At most a minute, oldest first. */
  readonly seconds: readonly LiveView[];
  /** Since when there is no answer, in this page's `Date.now()`. */
  readonly staleSince: number | null;
}

/** Seconds known and seconds just read, each once, oldest first, at most a minute back from the newest. */
export function mergeSeconds(known: readonly LiveView[], read: readonly LiveView[]): readonly LiveView[] {
  const byTime = new Map([...known, ...read].map((second) => [second.at, second]));
  const merged = [...byTime.values()].sort((a, b) => a.at - b.at);
  const newest = merged.at(-1)?.at ?? 0;
  return merged.filter((second) => second.at > newest - (KEPT_SECONDS + 1) * 1000);
}

class Feed {
  #state: FeedState = { connection: "connecting", status: null, seconds: [], staleSince: null };
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly get = (): FeedState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      document.addEventListener("visibilitychange", this.#onVisible);
      this.#poll();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      document.removeEventListener("visibilitychange", this.#onVisible);
      clearTimeout(this.#timer);
    };
  };

  /** Ask now, for instance after something was changed. */
  readonly refresh = (): void => this.#poll();

  readonly #onVisible = (): void => {
    if (document.visibilityState === "visible") this.#poll();
  };

  #poll(): void {
    clearTimeout(this.#timer);
    const startedAt = performance.now();
    void this.#read().finally(() => {
      clearTimeout(this.#timer);
      // A page nobody sees asks nothing; becoming visible starts it again.
      if (this.#listeners.size === 0 || document.visibilityState === "hidden") return;
      const spentMs = performance.now() - startedAt;
      this.#timer = setTimeout(() => this.#poll(), Math.max(100, PERIOD_MS - spentMs));
    });
  }

  async #read(): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const last = this.#state.seconds.at(-1);
    const missed = last === undefined ? KEPT_SECONDS : Math.ceil((Date.now() - last.at) / 1000) + 2;
    const seconds = Math.min(KEPT_SECONDS, Math.max(5, missed));
    try {
      const [status, read] = await Promise.all([
        client.getStatus(undefined, { signal }),
        client.getLive({ query: { seconds } }, { signal }),
      ]);
      this.#set({
        connection: "live",
        status,
        seconds: mergeSeconds(this.#state.seconds, read),
        staleSince: null,
      });
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 401;
      this.#set({
        ...this.#state,
        connection: isRefused ? "unauthorized" : "stale",
        staleSince: this.#state.staleSince ?? Date.now(),
      });
    }
  }

  #set(state: FeedState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

export const feed = new Feed();

/** What flows, as it is now. */
export function useFeed(): FeedState {
  return useSyncExternalStore(feed.subscribe, feed.get);
}
