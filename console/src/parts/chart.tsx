// A plot with its title, legend and table. uPlot draws the lines; everything with words around them is ordinary page, so
// that it can be read, copied and reached by keyboard. Its height never changes, whether it shows plot or table.
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTheme } from "../theme.ts";
import { useQueryParameter } from "../router.ts";
import { chartOptions } from "./chart-options.ts";
import type { ChartMark, ChartSeries, Scale } from "./chart-series.ts";
import "./chart.css";

export interface ChartProps {
  readonly id: string;
  readonly title: string;
  /** What is measured, with its unit: "milliseconds". */
  readonly note: ReactNode;
  /** Written behind each number of the axis, such as "ms". */
  readonly unit: string;
  readonly format: (value: number | null) => string;
  /** Seconds before now, indices of `categories`, or what `scale` says. */
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly kind: "lines" | "stacked" | "bars";
  /** Of lines that are not over the last minute. */
  readonly scale?: Scale;
  /** Points that stand out, by the series and where in `x`. */
  readonly marks?: readonly ChartMark[];
  /** What the bars stand for. */
  readonly categories?: readonly string[];
  /** Names the first column of the table. */
  readonly xTitle: string;
  /** The table's first column. */
  readonly xText: (index: number) => string;
  readonly end?: ReactNode;
}

/** Values as they are drawn: each on top of those before it when stacked. */
function drawn(kind: ChartProps["kind"], x: readonly number[], lines: readonly ChartSeries[]): (number | null)[][] {
  // A line that is zero throughout says nothing but in the legend, where it is said anyway; the first is always drawn.
  const isShown = ({ values }: ChartSeries, i: number): boolean =>
    i === 0 || values.some((value) => (value ?? 0) !== 0);
  if (kind !== "stacked")
    return lines.map((line, i) => (isShown(line, i) ? [...line.values] : line.values.map(() => null)));
  const below = x.map(() => 0);
  return lines.map(({ values }) =>
    values.map((value, i) => (value === null ? null : (below[i] = (below[i] ?? 0) + value))),
  );
}

export function Chart(props: ChartProps) {
  const { id, title, series, x, format, unit } = props;
  const [tables, setTables] = useQueryParameter("table");
  const shown = tables?.split(".") ?? [];
  const isTable = shown.includes(id);
  const toggle = (): void => {
    const next = isTable ? shown.filter((name) => name !== id) : [...shown, id];
    setTables(next.length === 0 ? null : next.join("."));
  };
  const [cursor, setCursor] = useState<number | null>(null);
  const at = cursor !== null && cursor < x.length ? cursor : lastKnown(series);
  // Lines of one minute end together; others each have a last point of their own.
  const valueText = (line: ChartSeries): string => {
    const index = props.scale !== undefined && cursor === null ? lastKnown([line]) : at;
    return index === null ? "–" : format(line.values[index] ?? null);
  };
  const withUnit = (value: number | null): string => (value === null ? "–" : `${format(value)} ${unit}`.trim());
  return (
    <figure className="chart" aria-labelledby={`${id}-title`}>
      <figcaption>
        <span className="chart-title">
          <h3 id={`${id}-title`}>{title}</h3>
          <span className="quiet">{props.note}</span>
        </span>
        <span className="chart-end">
          {props.end}
          <button type="button" className="button small" aria-pressed={isTable} onClick={toggle}>
            Table<span className="hidden-visually"> of {title}</span>
          </button>
        </span>
      </figcaption>
      {series.length > 1 ? (
        <ul className="legend">
          {series.map((line) => (
            <li key={line.label}>
              <Swatch series={line} isArea={props.kind === "stacked"} />
              {line.label} <b>{valueText(line)}</b>
            </li>
          ))}
        </ul>
      ) : (
        // Holds the legend's row, so that the plots of neighbours align.
        <div className="legend" />
      )}
      {isTable ? (
        <ChartTable {...props} />
      ) : (
        <Plot
          {...props}
          onCursor={setCursor}
          summary={`${title}: ${series.map((line) => `${line.label} ${withUnit(line.values[lastKnown(series) ?? -1] ?? null)}`).join(", ")}`}
        />
      )}
    </figure>
  );
}

function lastKnown(series: readonly ChartSeries[]): number | null {
  const first = series[0]?.values ?? [];
  for (let i = first.length - 1; i >= 0; i--) if (first[i] !== null) return i;
  return null;
}

/** How a line is drawn, beside its name. */
export function Swatch({ series, isArea }: { series: Pick<ChartSeries, "color" | "dash">; isArea: boolean }) {
  return (
    <svg
      className="swatch"
      data-area={isArea}
      viewBox={isArea ? "0 0 8 10" : "0 0 16 10"}
      aria-hidden="true"
      style={{ color: `var(--chart-${series.color})` }}
    >
      {isArea ? (
        <rect y="1" width="8" height="8" fill="currentColor" />
      ) : (
        <path d="M0 5 H16" stroke="currentColor" strokeWidth="2" strokeDasharray={series.dash?.join(" ")} />
      )}
    </svg>
  );
}

function Plot(props: ChartProps & { onCursor: (index: number | null) => void; summary: string }) {
  const { kind, unit, format, categories } = props;
  const theme = useTheme();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = useMemo(
    () => [[...props.x], ...drawn(kind, props.x, props.series)] as uPlot.AlignedData,
    [kind, props.x, props.series],
  );
  const latest = useRef({ data, props });
  latest.current = { data, props };
  const looks = props.series.map((line) => `${line.label}:${line.color}:${line.dash?.join() ?? ""}`).join(";");
  const scaled = props.scale === undefined ? "" : `${props.scale.of}:${props.scale.isLogarithmic}`;
  const names = categories?.join(";");
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const { data, props } = latest.current;
    const made = new uPlot(
      chartOptions({
        kind,
        unit,
        format,
        series: props.series,
        categories: props.categories ?? null,
        scale: props.scale === undefined ? null : () => latest.current.props.scale!,
        marks: () => latest.current.props.marks ?? [],
        style: getComputedStyle(element),
        width: element.clientWidth,
        height: element.clientHeight,
        onCursor: (index) => latest.current.props.onCursor(index),
      }),
      data,
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `looks`, `names` and `scaled` stand for series, categories and scale, which are new at each render.
  }, [kind, unit, format, looks, names, scaled, theme]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return <div ref={holder} className="plot" role="img" aria-label={props.summary} />;
}

function ChartTable(props: ChartProps) {
  const order = props.x.map((_, i) => i);
  // Time reads newest first; categories in their order.
  if (props.kind !== "bars") order.reverse();
  return (
    // Scrolls, so the keyboard must reach it.
    <div className="plot plot-table" tabIndex={0} role="region" aria-label={`Table of ${props.title}`}>
      <table className="table">
        <caption className="hidden-visually">{props.title}</caption>
        <thead>
          <tr>
            <th scope="col">{props.xTitle}</th>
            {props.series.map((series) => (
              <th scope="col" className="number" key={series.label}>
                {series.label}
                {props.unit !== "" && `, ${props.unit}`}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {order.map((i) => (
            <tr key={i}>
              <th scope="row">{props.xText(i)}</th>
              {props.series.map((series) => (
                <td className="number" key={series.label}>
                  {props.format(series.values[i] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
