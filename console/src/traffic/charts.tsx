// The plots of an endpoint's last minute.
import { useMemo } from "react";
import { Chart } from "../parts/chart.tsx";
import type { ChartSeries } from "../parts/chart-series.ts";
import { megabytesText, msText, rateText, timeText, wholeText } from "../parts/format.ts";
import { useQueryParameter } from "../router.ts";
import { batchBuckets, minuteOf, otherMs, type Second, STAGES } from "./series.ts";
import type { TrafficView } from "../api.ts";
import "./traffic.css";

const DASHES = { p50: undefined, p90: [6, 3], p99: [2, 3] } as const;
/** The model's own work in the accent, waiting in warm colours. */
const STAGE_COLORS = { queue: 2, wait: 4, input: 3, infer: 1, output: 6 } as const;

export function Charts({ seconds, maxRows }: { seconds: readonly Second[]; maxRows: number }) {
  const [stagePercentile, setStagePercentile] = useQueryParameter("stages");
  const percentile = stagePercentile === "p99" ? "p99" : "p50";
  const column = (read: (traffic: TrafficView) => number | null): (number | null)[] =>
    seconds.map(({ traffic }) => (traffic === null ? null : read(traffic)));
  const line = (
    label: string,
    color: ChartSeries["color"],
    read: (traffic: TrafficView) => number | null,
    dash?: readonly number[],
  ): ChartSeries => ({ label, color, values: column(read), ...(dash === undefined ? {} : { dash }) });

  const time = {
    x: seconds.map(({ x }) => x),
    xTitle: "Time",
    xText: (i: number): string => timeText(seconds[i]?.at ?? 0).slice(11),
    kind: "lines",
  } as const;
  const buckets = useMemo(() => batchBuckets(minuteOf(seconds).batchRows, maxRows), [seconds, maxRows]);
  return (
    <div className="charts">
      <Chart
        {...time}
        id="requests"
        title="Requests"
        note="per second"
        unit="/s"
        format={rateText}
        series={[
          line("answered", 1, (t) => t.requestsPerSecond),
          line("failed", 2, (t) => t.failuresPerSecond, [6, 3]),
          line("refused", 4, (t) => t.refusedPerSecond, [2, 3]),
        ]}
      />
      <Chart
        {...time}
        id="latency"
        title="Latency"
        note="arrival to answer"
        unit="ms"
        format={msText}
        series={[
          line("p50", 1, (t) => t.stages?.total.p50 ?? null, DASHES.p50),
          line("p90", 3, (t) => t.stages?.total.p90 ?? null, DASHES.p90),
          line("p99", 2, (t) => t.stages?.total.p99 ?? null, DASHES.p99),
        ]}
      />
      <Chart
        {...time}
        kind="stacked"
        id="where"
        title="Where the time goes"
        note={percentile === "p99" ? "99th percentile by stage" : "median by stage"}
        unit="ms"
        format={msText}
        series={[
          ...STAGES.map((stage) => line(stage, STAGE_COLORS[stage], (t) => t.stages?.[stage][percentile] ?? null)),
          line("other", 5, (t) => otherMs(t, percentile)),
        ]}
        end={
          <button
            type="button"
            className="button small"
            aria-pressed={percentile === "p99"}
            onClick={() => setStagePercentile(percentile === "p99" ? null : "p99")}
          >
            p99<span className="hidden-visually"> of the stages instead of their median</span>
          </button>
        }
      />
      <Chart
        id="batches"
        kind="bars"
        title="Batch sizes"
        note="runs by rows"
        unit=""
        format={wholeText}
        x={buckets.map((_, i) => i)}
        xTitle="Rows"
        xText={(i) => buckets[i]?.label ?? ""}
        categories={buckets.map((bucket) => bucket.label)}
        series={[{ label: "Runs", color: 1, values: buckets.map((bucket) => bucket.runs) }]}
      />
      <Chart
        {...time}
        id="queue"
        title="Queue"
        note="at the end of each second"
        unit=""
        format={wholeText}
        series={[line("in flight", 1, (t) => t.inFlight), line("waiting", 2, (t) => t.queued, [6, 3])]}
      />
      <Chart
        {...time}
        id="memory"
        title="Runner memory"
        note="resident"
        unit="MB"
        format={megabytes}
        series={[line("Memory", 1, (t) => (t.residentBytes === null ? null : t.residentBytes / 1e6))]}
      />
    </div>
  );
}

const megabytes = (value: number | null): string => megabytesText(value === null ? null : value * 1e6);
