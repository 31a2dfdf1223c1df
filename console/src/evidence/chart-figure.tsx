// A chart of the report, drawn by the server in the theme in force, with what it shows in words and its numbers as a table.
import type { Chart } from "../api.ts";
import { Table } from "../parts/table.tsx";
import { useTheme } from "../theme.ts";
import { digitsText } from "./quantity.ts";

interface VersionName {
  readonly name: string;
  readonly number: number;
}

/** Where the administration API has something of a version: `/api/versions/digits/2/report.html`. */
export function versionFile({ name, number }: VersionName, file: string): string {
  return `/api/versions/${encodeURIComponent(name)}/${number}/${file}`;
}

export function ChartFigure({ version, chart }: { version: VersionName; chart: Chart }) {
  const theme = useTheme();
  const picture = (format: "svg" | "png"): string =>
    versionFile(version, `charts/${chart.id}.${format}?theme=${theme}`);
  return (
    <figure className={chart.isWide ? "report-chart wide" : "report-chart"}>
      <img src={picture("svg")} alt={chart.description} loading="lazy" />
      <figcaption>
        <b>{chart.title}.</b> {chart.caption}
        <ChartTable chart={chart} />
        <span className="chart-files">
          <a href={picture("svg")} download={`${chart.id}.svg`}>
            SVG<span className="hidden-visually"> of {chart.title}</span>
          </a>{" "}
          <a href={picture("png")} download={`${chart.id}.png`}>
            PNG<span className="hidden-visually"> of {chart.title}</span>
          </a>
        </span>
      </figcaption>
    </figure>
  );
}

function ChartTable({ chart: { title, table } }: { chart: Chart }) {
  return (
    <details className="more-of">
      <summary>
        Numbers<span className="hidden-visually"> of {title}</span>
      </summary>
      <Table
        caption={`Numbers of ${title}`}
        columns={table.columns.map(({ name, unit }) => ({
          title: unit === null || unit === "1" ? name : `${name}, ${unit}`,
          look: unit === null ? "" : "number",
        }))}
      >
        {table.rows.map((row, index) => (
          // The rows of a chart have no name of their own and never change places.
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={table.columns[column]?.name} className={table.columns[column]?.unit === null ? "" : "number"}>
                {typeof cell === "number" ? digitsText(cell) : (cell ?? "–")}
              </td>
            ))}
          </tr>
        ))}
      </Table>
      {table.omittedRows > 0 && <p className="quiet">{table.omittedRows} more rows are left out here.</p>}
    </details>
  );
}
