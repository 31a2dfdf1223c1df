// Where the console is lives in the address bar: real paths for pages, query parameters for what is shown on them. This
// is the table of pages and the little that is needed to move between them.
import { useCallback, useSyncExternalStore } from "react";

export type Route =
  | { readonly page: "overview" }
  | { readonly page: "endpoint"; readonly name: string }
  | { readonly page: "models" }
  | { readonly page: "model"; readonly name: string; readonly number: number | null }
  | { readonly page: "activity" }
  | { readonly page: "settings" }
  | { readonly page: "missing"; readonly path: string };

/** The page of a path; one that is none says so, with the path. */
export function routeFromPath(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  const [first, name, versions, number] = parts.map(decoded);
  if (parts.length === 0) return { page: "overview" };
  if (parts.length === 1 && (first === "models" || first === "activity" || first === "settings"))
    return { page: first };
  if (parts.length === 2 && first === "endpoints" && name !== undefined) return { page: "endpoint", name };
  if (first === "models" && name !== undefined) {
    if (parts.length === 2) return { page: "model", name, number: null };
    if (parts.length === 4 && versions === "versions" && /^[1-9]\d{0,8}$/.test(number ?? ""))
      return { page: "model", name, number: Number(number) };
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
