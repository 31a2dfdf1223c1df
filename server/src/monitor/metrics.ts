// The metrics in Prometheus' text format 0.0.4. Written by hand because the counters live in the traffic book, where an
// observation costs nanoseconds; a metrics library would keep a second, slower copy of them.
// METRICS is the table docs/metrics.md prints and a test holds it against.
import type { VariantStatus } from "#serve";
import type { AnswerBook } from "./answers.ts";
import { STAGES, type TrafficView } from "./traffic.ts";

/** Bucket bounds of latency histograms, as powers of two in microseconds: 64 µs to 67 s. */
const BOUNDS = Array.from({ length: 21 }, (_, i) => i + 6);

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
}

const variantLabels = ["endpoint", "version"] as const;

export const METRICS = {
  slipway_requests_admitted_total: { type: "counter", help: "Requests accepted into a queue", labels: variantLabels },
  slipway_requests_answered_total: {
    type: "counter",
    help: "Admitted requests that were answered",
    labels: variantLabels,
  },
  slipway_requests_failed_total: {
    type: "counter",
    help: "Admitted requests that ended in an error, by code",
    labels: [...variantLabels, "code"],
  },
  slipway_requests_refused_total: {
    type: "counter",
    help: "Requests that were not admitted, by code",
    labels: [...variantLabels, "code"],
  },
  slipway_http_answers_total: {
    type: "counter",
    help: "Answers of the inference listener by route and code, whether or not they reached a queue",
    labels: ["route", "status", "code"],
  },
  slipway_requests_queued: { type: "gauge", help: "Requests waiting in the front's queue", labels: variantLabels },
  slipway_requests_in_flight: {
    type: "gauge",
    help: "Requests handed to runners and not yet ended",
    labels: variantLabels,
  },
  slipway_queue_bytes: { type: "gauge", help: "Bytes of inputs waiting in the front's queue", labels: variantLabels },
  slipway_rows_total: { type: "counter", help: "Rows answered", labels: variantLabels },
  slipway_batches_total: { type: "counter", help: "Runs that led to an answer", labels: variantLabels },
  slipway_stage_seconds: {
    type: "histogram",
    help: "Latency of answered requests by stage",
    labels: [...variantLabels, "stage"],
  },
  slipway_endpoint_ready: { type: "gauge", help: "1 where the live deployment can answer", labels: variantLabels },
  slipway_runner_resident_bytes: {
    type: "gauge",
    help: "Resident memory of a runner process",
    labels: [...variantLabels, "runner"],
  },
  slipway_runner_deaths_total: {
    type: "counter",
    help: "Deaths of runners since their deployment was loaded, by cause",
    labels: [...variantLabels, "cause"],
  },
  slipway_process_resident_bytes: {
    type: "gauge",
    help: "Resident memory of the server process and its fronts",
    labels: [],
  },
  slipway_build_info: {
    type: "gauge",
    help: "Always 1; the labels say what runs",
    labels: ["version", "backend", "node"],
  },
} as const satisfies Record<string, Metric>;

export interface ProcessFacts {
  readonly version: string;
  readonly backend: string;
  readonly node: string;
  readonly residentBytes: number;
}

/** The whole of /metrics. */
export function metricsText(
  book: TrafficView,
  answers: AnswerBook,
  variants: readonly VariantStatus[],
  facts: ProcessFacts,
): string {
  const page = new Page();
  for (const traffic of book.all()) {
    const labels = { endpoint: traffic.endpoint, version: traffic.version };
    page.add("slipway_requests_admitted_total", labels, traffic.admitted);
    page.add("slipway_requests_answered_total", labels, traffic.answered);
    page.add("slipway_rows_total", labels, Math.round(traffic.rows));
    page.add("slipway_batches_total", labels, Math.round(traffic.batches));
    for (const [code, count] of traffic.failed) page.add("slipway_requests_failed_total", { ...labels, code }, count);
    for (const [code, count] of traffic.refused) page.add("slipway_requests_refused_total", { ...labels, code }, count);
    for (const stage of STAGES) {
      const histogram = traffic.stages[stage];
      const below = histogram.cumulative(BOUNDS);
      BOUNDS.forEach((exponent, i) => {
        page.add("slipway_stage_seconds", { ...labels, stage, le: String(2 ** exponent / 1e6) }, below[i]!, "_bucket");
      });
      page.add("slipway_stage_seconds", { ...labels, stage, le: "+Inf" }, histogram.count, "_bucket");
      page.add("slipway_stage_seconds", { ...labels, stage }, histogram.sumMs / 1000, "_sum");
      page.add("slipway_stage_seconds", { ...labels, stage }, histogram.count, "_count");
    }
  }
  for (const { route, status, code, count } of answers.all()) {
    page.add("slipway_http_answers_total", { route, status: String(status), code }, count);
  }
  for (const variant of variants) {
    if (variant.state === "unloaded" || variant.state === "failed") continue;
    const labels = { endpoint: variant.endpoint, version: variant.version };
    page.add("slipway_requests_queued", labels, variant.queuedRequests);
    page.add("slipway_requests_in_flight", labels, variant.inFlight);
    page.add("slipway_queue_bytes", labels, variant.queuedBytes);
    if (variant.isLive) page.add("slipway_endpoint_ready", labels, variant.state === "ready" ? 1 : 0);
    for (const [cause, count] of Object.entries(variant.executor?.deathsByCause ?? {}))
      page.add("slipway_runner_deaths_total", { ...labels, cause }, count);
    for (const runner of variant.executor?.runners ?? []) {
      if (runner.residentBytes === null) continue;
      page.add("slipway_runner_resident_bytes", { ...labels, runner: String(runner.id) }, runner.residentBytes);
    }
  }
  page.add("slipway_process_resident_bytes", {}, facts.residentBytes);
  page.add("slipway_build_info", { version: facts.version, backend: facts.backend, node: facts.node }, 1);
  return page.text();
}

/**
 * Samples grouped by metric, as the format wants them. Those of the same name and labels add up: while a deployment
 * replaces one of the same version, both are that version.
 */
class Page {
  readonly #samples = new Map<keyof typeof METRICS, Map<string, number>>();

  add(name: keyof typeof METRICS, labels: Readonly<Record<string, string>>, value: number, suffix = ""): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    let samples = this.#samples.get(name);
    if (samples === undefined) this.#samples.set(name, (samples = new Map()));
    const sample = `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""}`;
    samples.set(sample, (samples.get(sample) ?? 0) + value);
  }

  text(): string {
    let text = "";
    for (const [name, samples] of this.#samples) {
      const { help, type } = METRICS[name];
      text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
      for (const [sample, value] of samples) text += `${sample} ${value}\n`;
    }
    return text;
  }
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
