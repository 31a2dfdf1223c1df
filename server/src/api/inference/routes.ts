// The paths of the inference listener. Matching is by segment, without regular expressions, so that no path is slow.
import { isName, SlipwayError } from "@slipway/core/base";

export type ModelAction = "metadata" | "ready" | "infer" | "config" | "statistics" | "predict";

export type Route =
  | { readonly kind: "server" | "live" | "ready" | "models" | "statistics" | "repository" | "control" }
  | { readonly kind: "unsupported"; readonly extension: string }
  | {
      readonly kind: "model";
      readonly action: ModelAction;
      readonly endpoint: string;
      /** As digits; null for what is live. */
      readonly version: string | null;
    };

const ACTIONS: Readonly<Record<string, ModelAction>> = {
  infer: "infer",
  ready: "ready",
  config: "config",
  stats: "statistics",
  predict: "predict",
};

const SLASH = 0x2f;
const GET = "GET";
const POST = "POST";
const METHODS: Readonly<Record<Exclude<Route["kind"], "model" | "unsupported">, string>> = {
  server: GET,
  live: GET,
  ready: GET,
  models: GET,
  statistics: GET,
  repository: POST,
  control: POST,
};
const METHOD_OF_ACTION: Readonly<Record<ModelAction, string>> = {
  metadata: GET,
  ready: GET,
  config: GET,
  statistics: GET,
  infer: POST,
  predict: POST,
};

/** The method a route answers, GET standing for HEAD too; null for any. */
export function methodOf(route: Route): string | null {
  if (route.kind === "unsupported") return null;
  return route.kind === "model" ? METHOD_OF_ACTION[route.action] : METHODS[route.kind];
}

/** What a route is called in metrics: no names in it, so that their number is bounded. */
export function routeName(route: Route): string {
  return route.kind === "model" ? route.action : route.kind;
}

/**
 * The route of a request target.
 * @throws SlipwayError ROUTE_NOT_FOUND, or REQUEST_MALFORMED for a broken percent escape
 */
export function parseRoute(target: string): Route {
  if (target.charCodeAt(0) !== SLASH) return parseOther(target);
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  const segments = path.split("/");
  // "/v2/models" splits into "", "v2", "models".
  const route = segments[1] === "v2" ? routeBelow(segments) : null;
  if (route !== null) return route;
  throw routeNotFound(path);
}

/** A request target that begins with no "/": absolute, as proxies send it (RFC 9112 §3.2.2), or none that is routed. */
function parseOther(target: string): Route {
  const scheme = /^https?:\/\//i.exec(target)?.[0].length;
  if (scheme === undefined) throw routeNotFound(target);
  const query = target.indexOf("?", scheme);
  const path = target.indexOf("/", scheme);
  return parseRoute(path < 0 || (query >= 0 && query < path) ? "/" : target.slice(path));
}

function routeNotFound(path: string): SlipwayError {
  return new SlipwayError("ROUTE_NOT_FOUND", `There is no route ${shown(path)}; the protocol begins at GET /v2.`);
}

/** At most this much of a path is shown in a message. */
const SHOWN_PATH = 120;

function shown(path: string): string {
  return path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}…` : path;
}

function routeBelow(segments: readonly string[]): Route | null {
  const count = segments.length;
  const second = segments[3];
  switch (segments[2]) {
    case undefined:
      return { kind: "server" };
    case "": // The protocol's OpenAPI document has the path "/v2/"; its text, and every client, "/v2".
      return count === 3 ? { kind: "server" } : null;
    case "models":
      return modelRoute(segments);
    case "health":
      return count === 4 && (second === "live" || second === "ready") ? { kind: second } : null;
    case "repository":
      return repositoryRoute(segments.slice(3));
    case "systemsharedmemory":
    case "cudasharedmemory":
      return { kind: "unsupported", extension: "shared memory" };
    case "trace":
      return count === 4 && second === "setting" ? { kind: "unsupported", extension: "trace" } : null;
    case "logging":
      return count === 3 ? { kind: "unsupported", extension: "logging" } : null;
    default:
      return null;
  }
}

/** models · models/stats · models/M[/versions/V][/ACTION] */
function modelRoute(segments: readonly string[]): Route | null {
  if (segments.length === 3) return { kind: "models" };
  if (segments.length === 4 && segments[3] === "stats") return { kind: "statistics" };
  const endpoint = decodeName(segments[3]!);
  let at = 4;
  let version: string | null = null;
  if (segments[4] === "versions") {
    version = segments[5] ?? "";
    if (!isDigits(version)) return null;
    at = 6;
  }
  const rest = segments.length - at;
  if (rest === 0) return { kind: "model", action: "metadata", endpoint, version };
  const last = segments[at]!;
  if (rest === 1 && Object.hasOwn(ACTIONS, last)) return { kind: "model", action: ACTIONS[last]!, endpoint, version };
  if (rest === 1 && (last === "generate" || last === "generate_stream")) {
    return { kind: "unsupported", extension: "generate" };
  }
  if (rest === 2 && last === "trace" && segments[at + 1] === "setting")
    return { kind: "unsupported", extension: "trace" };
  return null;
}

/** [REPOSITORY/]index · [REPOSITORY/]models/M/(load|unload); there is one repository, whatever it is called. */
function repositoryRoute(segments: readonly string[]): Route | null {
  const isNamed = segments[0] !== "index" && segments[0] !== "models";
  const [first, , action, ...more] = isNamed ? segments.slice(1) : segments;
  const count = isNamed ? segments.length - 1 : segments.length;
  if (first === "index" && count === 1) return { kind: "repository" };
  const isControl = first === "models" && (action === "load" || action === "unload") && more.length === 0;
  return isControl ? { kind: "control" } : null;
}

function decodeName(segment: string): string {
  let name = segment;
  if (segment.includes("%")) {
    try {
      name = decodeURIComponent(segment);
    } catch {
      throw new SlipwayError("REQUEST_MALFORMED", `The path has a broken percent escape in ${shown(segment)}.`);
    }
  }
  if (isName(name)) return name;
  throw new SlipwayError(
    "ENDPOINT_NOT_FOUND",
    `No endpoint can be called ${JSON.stringify(shown(name))}; names are letters, digits, '.', '_' and '-'.`,
  );
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length > 0 && text.length <= 20;
}
