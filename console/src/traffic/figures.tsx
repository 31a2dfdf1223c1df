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
  const figures = [
    ["Requests", rateText(now?.requestsPerSecond), "/s", "#traffic"],
    ["Median latency", msText(total?.p50), "ms", "#stages"],
    ["99th percentile", msText(total?.p99), "ms", "#stages"],
    ["Rows a batch", rateText(minute.latest?.batches?.meanRows), "", "#batching"],
    ["Waiting", wholeText(now?.queued), "", "#traffic"],
    ["Runner memory", megabytesText(now?.residentBytes), "MB", "#runners"],
    ["Unanswered/min", wholeText(minute.unanswered), "", "#endings"],
  ] as const;
  return (
    <ul className="figures">
      {figures.map(([label, value, unit, anchor]) => (
        <li key={label} data-tone={anchor === "#endings" && minute.unanswered > 0 ? "bad" : undefined}>
          <Link href={`${path}${anchor}`}>
            <span className="figure-label">{label}</span>
            <span className="figure-value">
              {value}
              {unit !== "" && <small> {unit}</small>}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
