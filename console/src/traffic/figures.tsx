// The key figures of an endpoint, one line of numbers that each lead to their cause.
import type { EndpointView } from "../api.ts";
import { Link } from "../parts/link.tsx";
import { megabytesText, msText, rateText, wholeText } from "../parts/format.ts";
import { endpointPath } from "../router.ts";
import { minuteOf, type Second } from "./series.ts";
import "./traffic.css";

export function Figures({ endpoint, seconds }: { endpoint: EndpointView; seconds: readonly Second[] }) {
  const now = seconds.at(-1)?.traffic ?? null;
  const minute = minuteOf(seconds);
  const total = minute.latest?.stages?.total;
  const path = endpointPath(endpoint.name);
  // Units stand in the labels: behind a number of changing length they would move each second.
  const figures = [
    ["Requests/s", rateText(now?.requestsPerSecond), "#traffic"],
    ["Median latency, ms", msText(total?.p50), "#stages"],
    ["99th percentile, ms", msText(total?.p99), "#stages"],
    ["Rows a batch", rateText(minute.latest?.batches?.meanRows), "#batching"],
    ["Waiting", wholeText(now?.queued), "#traffic"],
    ["Memory, MB", megabytesText(now?.residentBytes), "#runners"],
    ["Unanswered/min", wholeText(minute.unanswered), "#endings"],
  ] as const;
  return (
    <ul className="figures">
      {figures.map(([label, value, anchor]) => (
        <li key={label} data-tone={anchor === "#endings" && minute.unanswered > 0 ? "bad" : undefined}>
          <Link href={`${path}${anchor}`}>
            <span className="figure-label">{label}</span>
            <span className="figure-value">{value}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
