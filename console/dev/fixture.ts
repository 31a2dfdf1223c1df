// A stand-in for the administration listener, in a known condition, that serves the built console. Tests look at pages
// in conditions a real server seldom is in; run by itself, it is what `vite` develops against:
//   node --conditions=source console/dev/fixture.ts [well|trouble|empty] [port]
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { JobView } from "slipway/client";
import { type Answer, changeJob, CHART, failed, labAnswer, ok } from "./lab.ts";
import { curve } from "./runs.ts";
import { createScenario, type Scenario, type ScenarioName } from "./scenario.ts";
import { liveSeconds, noise } from "./traffic.ts";

export interface Fixture extends AsyncDisposable {
  readonly address: string;
  /** Bodies sent to the predict route, in order. */
  readonly images: readonly Buffer[];
  /** Calls that change something, as `rollback digits`. */
  readonly changes: readonly string[];
  /** Bodies of what was asked to be measured, in order. */
  readonly measured: readonly unknown[];
  /** Bodies of what was asked to be trained, in order. */
  readonly trained: readonly unknown[];
  /** Lets a run be through so many epochs; its job says when there is news. */
  setCurve(id: string, epochs: number): void;
  /** Changes a job as its process would. */
  setJob(id: string, changes: Partial<JobView>): void;
  /** Answer 401 from now on, as after a restart with a new token. */
  refuse(): void;
}

const DIST = path.resolve(import.meta.dirname, "../../server/dist/console");
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** What the real listener sends with every page. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export async function createFixture(options: {
  scenario: ScenarioName;
  /** Of the built console. */
  directory?: string;
  port?: number;
  now?: () => number;
}): Promise<Fixture> {
  const now = options.now ?? Date.now;
  const scenario = createScenario(options.scenario, now());
  const directory = options.directory ?? DIST;
  const images: Buffer[] = [];
  const changes: string[] = [];
  const measured: unknown[] = [];
  const trained: unknown[] = [];
  let isRefusing = false;
  const server = createServer((request, response) => {
    void respond(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fixture");
    if (!url.pathname.startsWith("/api/")) return await sendFile(directory, url.pathname, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (/\/charts\/[^/]+\.svg$|\/runs\/[^/]+\/curve$/.test(url.pathname)) {
      response.writeHead(200, { "content-type": "image/svg+xml" }).end(CHART);
      return;
    }
    if (url.pathname === "/api/runs" && request.method === "POST") trained.push(JSON.parse(body.toString()));
    if (url.pathname.endsWith("/measurements") && request.method === "POST") measured.push(JSON.parse(body.toString()));
    const endpoint = decodeURIComponent(/^\/api\/endpoints\/([^/]+)\//.exec(url.pathname)?.[1] ?? "");
    const verb = url.pathname.split("/").at(-1) ?? "";
    const ofLab = await labAnswer({ method: request.method ?? "GET", url, body, scenario, now: now() });
    let answer: Answer;
    if (isRefusing) answer = failed(401, "UNAUTHENTICATED", "This needs the server's token.");
    else if (ofLab !== null) answer = ofLab;
    else if (verb === "predict") {
      images.push(body);
      answer = prediction(body);
    } else if (request.method === "POST") {
      changes.push(`${verb} ${endpoint}`);
      answer = change(scenario, verb, endpoint, now());
    } else answer = read(scenario, url, now());
    response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  }
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    images,
    changes,
    measured,
    trained,
    setCurve: (id, epochs) => {
      scenario.runs = scenario.runs.map((one) =>
        one.id === id && one.run !== null ? { ...one, run: { ...one.run, curve: curve(epochs, 0) } } : one,
      );
    },
    setJob: (id, change) => void changeJob(scenario, id, change),
    refuse: () => {
      isRefusing = true;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function sendFile(directory: string, address: string, response: ServerResponse): Promise<void> {
  const type = TYPES[path.extname(address)];
  // The console's own paths answer its page.
  const file = type === undefined ? "index.html" : path.normalize(address).replace(/^[/\\]+/, "");
  const body = await readFile(path.join(directory, file)).catch(() => null);
  response
    .writeHead(body === null ? 404 : 200, {
      "content-type": type ?? TYPES[".html"],
      "content-security-policy": POLICY,
    })
    .end(body ?? "");
}

function read(scenario: Scenario, url: URL, now: number): Answer {
  const { status, versions, decisions, config, loads } = scenario;
  const parts = url.pathname.split("/").slice(2).map(decodeURIComponent);
  const [first = ""] = parts;
  switch (first) {
    case "status":
      return ok({ ...status, now });
    case "live":
      return ok(liveSeconds(loads, now, Number(url.searchParams.get("seconds") ?? 60)));
    case "versions": {
      if (parts.length === 1) {
        const name = url.searchParams.get("name");
        return ok(versions.filter((version) => name === null || version.name === name));
      }
      const version = versions.find(({ name, number }) => name === parts[1] && number === Number(parts[2]));
      return version === undefined ? failed(404, "VERSION_NOT_FOUND", `No ${parts[1]} ${parts[2]}.`) : ok(version);
    }
    case "decisions": {
      const subject = url.searchParams.get("subject");
      return ok(decisions.filter((decision) => subject === null || decision.subject === subject));
    }
    case "config":
      return ok(config);
    default:
      return failed(404, "ROUTE_NOT_FOUND", `There is no GET ${url.pathname}.`);
  }
}

/** Records the change and what is decided by it; enough for a page to show that something happened. */
function change(scenario: Scenario, verb: string, name: string, now: number): Answer {
  const { endpoints } = scenario.status;
  const index = endpoints.findIndex((endpoint) => endpoint.name === name);
  const endpoint = endpoints[index];
  scenario.decisions.unshift({ at: now, actor: "console", kind: verb, subject: name, text: `${verb} of ${name}` });
  if (endpoint === undefined) return failed(404, "ENDPOINT_NOT_FOUND", `No endpoint has the name "${name}".`);
  if (verb === "deploy") return failed(409, "SIGNATURE_BREAKING", "The input `image` changes its rank from 4 to 2.");
  if (verb === "unload")
    endpoints[index] = { ...endpoint, state: "unloaded", live: null, deployments: [], changedAt: now };
  else endpoints[index] = { ...endpoint, changedAt: now };
  return ok(verb === "rollback" ? { deployment: endpoint.live, replaced: null } : endpoints[index]);
}

/** Labels that depend on the image's bytes. */
function prediction(image: Buffer): Answer {
  const seed = image.reduce((sum, byte) => (sum * 31 + byte) | 0, 7);
  const weights = Array.from({ length: 10 }, (_, digit) => noise(seed, digit) ** 12 + 1e-4);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const labels = weights
    .map((weight, digit) => ({ label: String(digit), score: weight / total }))
    .sort((a, b) => b.score - a.score);
  return ok({
    model_name: "digits",
    model_version: "2",
    inference_id: "01994f3e-7a55-7c1b-9d21-5a8e2b40c6d3",
    predictions: [{ labels }],
  });
}

if (import.meta.main) {
  const [, , scenario = "well", port = "8010"] = process.argv;
  const fixture = await createFixture({ scenario: scenario as ScenarioName, port: Number(port) });
  process.stdout.write(`The fixture "${scenario}" listens on ${fixture.address}\n`);
}
