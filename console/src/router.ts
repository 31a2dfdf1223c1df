// Where the console is lives in the address bar: real paths for pages, query parameters for what is shown on them. This
// is the table of pages and the little that is needed to move between them.
import { useCallback, useSyncExternalStore } from "react";

export type Route =
  | { readonly page: "overview" }
  | { readonly page: "endpoint"; readonly name: string }
  | { readonly page: "models" }
  | { readonly page: "model"; readonly name: string; readonly number: number | null }
  | { readonly page: "measure"; readonly name: string; readonly number: number }
  | { readonly page: "compare" }
  | { readonly page: "datasets" }
  | { readonly page: "dataset"; readonly name: string }
  | { readonly page: "runs" }
  | { readonly page: "run"; readonly id: string }
  | { readonly page: "start-run" }
  | { readonly page: "compare-runs" }
  | { readonly page: "jobs" }
  | { readonly page: "job"; readonly id: string }
  | { readonly page: "policies" }
  | { readonly page: "policy"; readonly endpoint: string }
  | { readonly page: "activity" }
  | { readonly page: "settings" }
  | { readonly page: "missing"; readonly path: string };

/** Pages that are of nothing in particular, by their paths. */
const PLAIN = ["models", "compare", "datasets", "runs", "jobs", "policies", "activity", "settings"] as const;

/** The page of a path; one that is none says so, with the path. */
export function routeFromPath(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  const [first, name, ...rest] = parts.map(decoded);
  if (parts.length === 0) return { page: "overview" };
  const plain = PLAIN.find((page) => page === first);
  if (name === undefined && plain !== undefined) return { page: plain };
  if (name !== undefined && rest.length === 0) {
    if (first === "endpoints") return { page: "endpoint", name };
    if (first === "models") return { page: "model", name, number: null };
    if (first === "datasets") return { page: "dataset", name };
    if (first === "runs" && name === "new") return { page: "start-run" };
    if (first === "runs" && name === "compare") return { page: "compare-runs" };
    if (first === "runs") return { page: "run", id: name };
    if (first === "jobs") return { page: "job", id: name };
    if (first === "policies") return { page: "policy", endpoint: name };
  }
  const [versions, number = "", act] = rest;
  if (first === "models" && name !== undefined && versions === "versions" && /^[1-9]\d{0,8}$/.test(number)) {
    if (rest.length === 2) return { page: "model", name, number: Number(number) };
    if (rest.length === 3 && act === "measure") return { page: "measure", name, number: Number(number) };
  }
  return { page: "missing", path };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const endpointPath = (name: string): string => `/endpoints/${encodeURIComponent(name)}`;
export const modelPath = (name: string): string => `/models/${encodeURIComponent(name)}`;
export const versionPath = (name: string, number: number): string => `${modelPath(name)}/versions/${number}`;
export const measurePath = (name: string, number: number): string => `${versionPath(name, number)}/measure`;
export const datasetPath = (name: string, number: number): string =>
  `/datasets/${encodeURIComponent(name)}?number=${number}`;
export const runPath = (id: string): string => `/runs/${encodeURIComponent(id)}`;
/** The form that starts a run; on a registered dataset, as `loans:2`, where one is named. */
export const startRunPath = (dataset: string | null): string =>
  dataset === null ? "/runs/new" : `/runs/new?${new URLSearchParams({ dataset }).toString()}`;
export const compareRunsPath = (ids: readonly string[]): string => `/runs/compare?runs=${ids.join(".")}`;
export const jobPath = (id: string): string => `/jobs/${encodeURIComponent(id)}`;
export const policyPath = (endpoint: string): string => `/policies/${encodeURIComponent(endpoint)}`;
/** Two versions side by side, each as `digits@2`; the second is held against the first. */
export const comparePath = (first: string, second: string): string =>
  `/compare?${new URLSearchParams({ first, second }).toString()}`;

const CHANGED = "slipway-navigated";

/** Go to a page of the console; with `replace`, without a new entry in the history. */
export function navigate(href: string, options: { replace?: boolean } = {}): void {
  const isSamePath = new URL(href, location.href).pathname === location.pathname;
  history[options.replace === true ? "replaceState" : "pushState"](null, "", href);
  dispatchEvent(new Event(CHANGED));
  if (!isSamePath) scrollTo(0, 0);
}

function subscribe(onChange: () => void): () => void {
  addEventListener("popstate", onChange);
  addEventListener(CHANGED, onChange);
  return () => {
    removeEventListener("popstate", onChange);
    removeEventListener(CHANGED, onChange);
  };
}

/** The present path. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

/** A query parameter, and how to set it; null is "not there". */
export function useQueryParameter(name: string): [string | null, (value: string | null) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const set = useCallback(
    (value: string | null) => {
      const query = new URLSearchParams(location.search);
      if (value === null) query.delete(name);
      else query.set(name, value);
      navigate(`${location.pathname}${query.size > 0 ? `?${query.toString()}` : ""}${location.hash}`, {
        replace: true,
      });
    },
    [name],
  );
  return [new URLSearchParams(search).get(name), set];
}
