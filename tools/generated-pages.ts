// The documentation pages that are made from tables in the code, as text.
import { ERRORS, type ErrorFact } from "@slipway/core/base";
import { METRICS } from "../server/src/monitor/index.ts";
import { statusOf } from "../server/src/api/status.ts";

const NOTE = "<!-- Made from the code by `npm run docs`; change it there. -->\n";

/** File → text. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/errors.md", errorsPage()],
    ["docs/metrics.md", metricsPage()],
  ]);
}

function errorsPage(): string {
  let page = `${NOTE}# Error codes

Every error carries a stable code: in HTTP answers as \`code\` beside \`error\`, on the command line after \`slipway:\`. The
message says what was wrong, the value seen and what to do; programs should branch on the code alone.

| code | HTTP | when | what to do |
|---|---|---|---|
`;
  for (const [code, { when, remedy }] of Object.entries(ERRORS) as [keyof typeof ERRORS, ErrorFact][]) {
    page += `| \`${code}\` | ${statusOf(code)} | ${when} | ${remedy} |\n`;
  }
  return page;
}

function metricsPage(): string {
  let page = `${NOTE}# Metrics

\`GET /metrics\` on the administration listener answers Prometheus' text format. Counters reconcile at any moment:
\`admitted = answered + failed (all codes) + in flight + queued\`. A request that was refused was never admitted.
Stages: \`queue\` in the front's queue, \`wait\` in the runner's, \`input\` decoding and joining rows, \`infer\` the run,
\`output\` splitting rows and encoding, \`total\` from the request's arrival to its end.

| metric | type | labels | meaning |
|---|---|---|---|
`;
  for (const [name, { type, labels, help }] of Object.entries(METRICS)) {
    page += `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ") || "–"} | ${help} |\n`;
  }
  return page;
}
