// Endpoints and their deployments as people read them.
import type { DeploymentView, EndpointView } from "slipway/client";
import type { Session } from "./session.ts";
import { duration, size, table, wrapped } from "./text.ts";

const CONTAINMENT_WIDTH = 110;

/** `digits@3` */
export function versionText(version: { readonly name: string; readonly number: number }): string {
  return `${version.name}@${version.number}`;
}

/** One line per endpoint: what is live, how it is, what waits and runs. */
export function endpointTable(endpoints: readonly EndpointView[], now: number): string[] {
  const rows = endpoints.map((endpoint) => {
    const { live, previous } = endpoint;
    return [
      endpoint.name,
      endpoint.state,
      live === null ? "–" : versionText(live),
      previous === null ? "–" : versionText(previous),
      live === null ? "–" : String(live.queuedRequests),
      live === null ? "–" : String(live.inFlight),
      live === null ? "–" : runnersText(live),
      memoryText(endpoint.deployments),
      ago(now, endpoint.changedAt),
    ];
  });
  const head = ["endpoint", "state", "live", "before", "waiting", "running", "runners", "memory", "changed"];
  return table(head, rows, "llllrrrrr");
}

/** What the data directory holds while no server runs: what each endpoint serves from the next start on. */
export function recordedTable(endpoints: readonly EndpointView[], now: number): string[] {
  const rows = endpoints.map(({ name, live, previous, changedAt }) => [
    name,
    live === null ? "–" : versionText(live),
    previous === null ? "–" : versionText(previous),
    ago(now, changedAt),
  ]);
  return table(["endpoint", "live at start", "before", "changed"], rows, "lllr");
}

function ago(now: number, at: number): string {
  return `${duration(Math.max(0, now - at))} ago`;
}

/** What keeps endpoints from being ready, and what killed their runners, one line each. */
export function endpointNotes(endpoints: readonly EndpointView[]): string[] {
  const notes: string[] = [];
  for (const endpoint of endpoints) {
    if (endpoint.reason !== null) notes.push(`${endpoint.name}: ${endpoint.reason}`);
    const executor = endpoint.live?.executor;
    if (!executor) continue;
    if (executor.batching.reason !== null) notes.push(`${endpoint.name}: batching: ${executor.batching.reason}`);
    const last = executor.deaths.at(-1);
    if (last) notes.push(`${endpoint.name}: ${executor.deaths.length} runner deaths, the last: ${last.text}`);
  }
  return notes;
}

/** What confines the runners of live deployments; endpoints of which the same holds are said together. */
export function containmentNotes(endpoints: readonly EndpointView[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, live } of endpoints) {
    if (!live?.executor) continue;
    const text = live.executor.containment.join("; ");
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return Array.from(names, ([text, of]) => wrapped(`Runners of ${of.join(", ")}: ${text}.`, CONTAINMENT_WIDTH)).flat();
}

/** What a change to an endpoint came to, with and without a server. */
export function deployedText(
  session: Session,
  answer: { readonly deployment: DeploymentView; readonly replaced: { name: string; number: number } | null },
): string {
  const { deployment, replaced } = answer;
  const what = `${deployment.endpoint} serves ${versionText(deployment)}`;
  const isSame = replaced !== null && versionText(replaced) === versionText(deployment);
  const instead = replaced === null || isSame ? "" : ` instead of ${versionText(replaced)}`;
  if (session.kind === "offline") return `Recorded: ${what}${instead} from the next \`slipway start\` on.`;
  const ready = deployment.executor === null ? "" : `, loaded in ${duration(deployment.executor.loadMs)}`;
  return `${what}${instead}${ready}.`;
}

function runnersText(deployment: DeploymentView): string {
  const runners = deployment.executor?.runners ?? [];
  const ready = runners.filter((runner) => runner.state === "ready").length;
  return runners.length === 0 ? "–" : `${ready}/${runners.length}`;
}

function memoryText(deployments: readonly DeploymentView[]): string {
  const known = deployments
    .flatMap((deployment) => deployment.executor?.runners ?? [])
    .map((runner) => runner.residentBytes)
    .filter((bytes) => bytes !== null);
  return known.length === 0 ? "–" : size(known.reduce((sum, bytes) => sum + bytes, 0));
}
