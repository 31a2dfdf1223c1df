// The part of the fixture's interface that is about evidence, policies and jobs.
import type { JobView, RunView } from "slipway/client";
import { DATASETS, faultyLine, judge, MEASUREMENTS, reportOf } from "./evidence.ts";
import { changed, started } from "./jobs.ts";
import { waiting } from "./runs.ts";
import type { Scenario } from "./scenario.ts";

export type Answer = { readonly status: number; readonly body: unknown };
export const ok = (body: unknown): Answer => ({ status: 200, body });
export const failed = (status: number, code: string, error: string, details: object = {}): Answer => ({
  status,
  body: { code, error, details },
});

const LONGEST_WAIT_MS = 2000;

interface LabRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
  readonly scenario: Scenario;
  readonly now: number;
}

/** null for what is not its part. */
export async function labAnswer(request: LabRequest): Promise<Answer | null> {
  const { method, url, scenario } = request;
  const parts = url.pathname.split("/").slice(2).map(decodeURIComponent);
  const [first = "", second = "", third = "", fourth = ""] = parts;
  if (first === "measurements") return ok(MEASUREMENTS);
  if (first === "datasets") return datasetAnswer(second, scenario);
  if (first === "runs") return runAnswer(request, second);
  if (first === "jobs") return await jobAnswer(request, second, third);
  if (first === "policies") return policyAnswer(request, second);
  if (first === "blobs")
    return ok(
      method === "PUT"
        ? { hash: second, sizeBytes: request.body.byteLength, isNew: true }
        : { hash: second, isStored: false },
    );
  if (first !== "versions" || fourth === "") return null;
  const version = scenario.versions.find(({ name, number }) => name === second && number === Number(third));
  if (version === undefined) return failed(404, "VERSION_NOT_FOUND", `No ${second} ${third}.`);
  if (fourth === "report") {
    const against = url.searchParams.get("against");
    const other = scenario.versions.find(({ name, number }) => `${name}@${number}` === against) ?? null;
    return ok(reportOf(version, other, scenario.policies, request.now));
  }
  const body = method === "POST" ? (JSON.parse(request.body.toString()) as Record<string, unknown>) : {};
  if (fourth === "check") {
    const requirements = body["requirements"] as string[];
    return faultIn(requirements) ?? ok({ judged: judge(requirements, version, request.now) });
  }
  if (fourth === "measurements") {
    const { reason, ...order } = body;
    const job = started(`${version.name}@${version.number}`, order, reason as string | null, request.now);
    scenario.jobs.unshift(job);
    return ok(job);
  }
  return null;
}

function datasetAnswer(name: string, { versions }: Scenario): Answer {
  // Where nothing is registered there are no rows either.
  const datasets = versions.length === 0 ? [] : DATASETS;
  if (name === "") {
    return ok(datasets.map((one) => ({ ...one, manifest: { ...one.manifest, inspection: null } })));
  }
  const found = datasets.find((one) => one.name === name);
  return found === undefined ? failed(404, "DATASET_NOT_FOUND", `No dataset is called "${name}".`) : ok(found);
}

function runAnswer({ method, body, scenario, now }: LabRequest, id: string): Answer {
  if (method === "POST") {
    const { reason, ...order } = JSON.parse(body.toString()) as RunView["order"] & { reason: string | null };
    if (order.name === "refused") {
      const issues = [{ path: "settings.epochs", message: "at most 100000" }];
      return failed(400, "REQUEST_MALFORMED", "The request's body can't be used.", { issues });
    }
    const queued = { ...started(order.name, order, reason, now), kind: "train" };
    scenario.jobs.unshift(queued);
    scenario.runs.unshift(waiting(queued.id, order));
    return ok(queued);
  }
  const shown = scenario.runs.map((run) => {
    const own = scenario.jobs.find((one) => one.id === run.id);
    return own === undefined ? run : { ...run, state: own.state, progress: own.progress };
  });
  if (id === "") return ok(shown);
  const found = shown.find((run) => run.id === id);
  return found === undefined ? failed(404, "JOB_NOT_FOUND", `No job has the id "${id}".`) : ok(found);
}

function faultIn(requirements: readonly string[]): Answer | null {
  const line = faultyLine(requirements);
  if (line === -1) return null;
  return failed(400, "POLICY_INVALID", `The requirement "${requirements[line]}" can't be read.`, { line });
}

function policyAnswer({ method, body, scenario, now }: LabRequest, endpoint: string): Answer {
  if (method === "GET") return ok(scenario.policies);
  const others = scenario.policies.filter((policy) => policy.endpoint !== endpoint);
  if (method === "DELETE") {
    scenario.policies = others;
    return ok({ endpoint });
  }
  const { requirements } = JSON.parse(body.toString()) as { requirements: string[] };
  const policy = { endpoint, requirements, changedAt: now };
  scenario.policies = [...others, policy];
  return faultIn(requirements) ?? ok(policy);
}

async function jobAnswer({ url, scenario, now }: LabRequest, id: string, verb: string): Promise<Answer> {
  const { searchParams } = url;
  if (id === "") {
    const [state, subject] = [searchParams.get("state"), searchParams.get("subject")];
    return ok(
      scenario.jobs.filter(
        (job) => (state === null || job.state === state) && (subject === null || job.subject === subject),
      ),
    );
  }
  const find = (): JobView | undefined => scenario.jobs.find((job) => job.id === id);
  const job = find();
  if (job === undefined) return failed(404, "JOB_NOT_FOUND", `No job has the id "${id}".`);
  if (verb === "cancel") return ok(changeJob(scenario, id, { state: "cancelled", endedAt: now }));
  if (verb === "resume") return ok(changeJob(scenario, id, { state: "queued", endedAt: null, error: null }));
  const since = searchParams.get("since");
  const waitMs = Math.min(LONGEST_WAIT_MS, Number(searchParams.get("waitMs") ?? 0));
  const isKnown = (): boolean => since !== null && find()?.revision === Number(since);
  for (let waited = 0; isKnown() && waited < waitMs; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return ok(find());
}

/** Changes a job as its process would. */
export function changeJob(scenario: Scenario, id: string, changes: Partial<JobView>): JobView | undefined {
  scenario.jobs = scenario.jobs.map((job) => (job.id === id ? changed(job, changes) : job));
  return scenario.jobs.find((job) => job.id === id);
}

/** A picture for every chart: its bars are of no consequence. */
export const CHART =
  '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="160"><rect x="40" y="40" width="200" height="24" fill="#0072b2"/><rect x="40" y="90" width="240" height="24" fill="#0072b2"/></svg>';
