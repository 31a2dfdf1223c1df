// One piece of evidence: on what, where and when it was found, what it is worth today, its values, its charts, and what was
// found of the same before.
import type { Evidence, ReportView } from "../api.ts";
import { NONE, valueText } from "../parts/format.ts";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { Ago, Moment } from "../parts/time.tsx";
import { ChartFigure } from "./chart-figure.tsx";
import { datasetText, type Finding, splitValues } from "./groups.ts";
import { measuredText } from "./quantity.ts";
import { ValuesTable } from "./values-table.tsx";

export function FindingView({ finding, report }: { finding: Finding; report: ReportView }) {
  const { evidence, older } = finding;
  const charts = report.charts.filter(({ evidenceId }) => evidenceId === evidence.id);
  const absent = report.absentCharts.filter(({ evidenceId }) => evidenceId === evidence.id);
  return (
    <div className="finding" id={`evidence-${evidence.id}`}>
      <Where evidence={evidence} now={report.madeAt} />
      <ValuesTable evidence={evidence} />
      {charts.length > 0 && (
        <div className="report-charts">
          {charts.map((chart) => (
            <ChartFigure key={chart.id} version={report.subject} chart={chart} />
          ))}
        </div>
      )}
      <HowMeasured evidence={evidence} absent={absent} />
      {older.length > 0 && <Older older={older} />}
    </div>
  );
}

/** On what data, on which machine, how long ago, and whether it still holds. */
function Where({ evidence, now }: { evidence: Evidence; now: number }) {
  const dataset = datasetText(evidence);
  return (
    <p className="finding-where">
      {dataset !== null && (
        <span>
          on <b>{dataset}</b>
        </span>
      )}
      {evidence.machine !== null && (
        <span>
          on machine <b>{evidence.machine.name}</b>
        </span>
      )}
      <span>
        measured <Ago at={evidence.measuredAt} now={now} />
      </span>
      {evidence.standing === "stale" && (
        <>
          <StateMark state="outdated" />
          <span>{evidence.reason}</span>
        </>
      )}
    </p>
  );
}

interface HowMeasuredProps {
  readonly evidence: Evidence;
  readonly absent: ReportView["absentCharts"];
}

function HowMeasured({ evidence, absent }: HowMeasuredProps) {
  const settings = Object.entries(evidence.settings as Readonly<Record<string, unknown>>);
  return (
    <details className="more-of">
      <summary>
        How it was measured<span className="hidden-visually">: {evidence.kind}</span>
      </summary>
      <dl className="facts">
        <dt>Method</dt>
        <dd>{evidence.method}</dd>
        <dt>When</dt>
        <dd>
          <Moment at={evidence.measuredAt} />
        </dd>
        {settings.map(([name, value]) => (
          <Fact key={name} name={name} text={valueText(value)} />
        ))}
        {evidence.machine !== null && <Fact name="Machine" text={machineText(evidence.machine)} />}
        {absent.map(({ kind, why }) => (
          <Fact key={kind} name={`No ${kind} chart`} text={why} />
        ))}
        <dt>By</dt>
        <dd>
          {Object.entries(evidence.code)
            .map(([name, version]) => `${name} ${version}`)
            .join(", ")}
        </dd>
        <dt>Evidence</dt>
        <dd>
          <code>{evidence.id}</code>, SHA-256 <code className="long">{evidence.hash}</code>
        </dd>
      </dl>
    </details>
  );
}

function Fact({ name, text }: { name: string; text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="long">{text}</dd>
    </>
  );
}

function machineText({ name, facts }: NonNullable<Evidence["machine"]>): string {
  const known = Object.entries(facts as Readonly<Record<string, unknown>>);
  return [name, ...known.map(([fact, value]) => `${fact} ${valueText(value)}`)].join(", ");
}

/** How the first values were before. */
function Older({ older }: { older: readonly Evidence[] }) {
  const names = splitValues(older[0]!.values)
    .plain.map(([name]) => name)
    .slice(0, 4);
  return (
    <details className="more-of">
      <summary>
        Measured {older.length === 1 ? "once" : `${older.length} times`} before
        <span className="hidden-visually">: {older[0]!.kind}</span>
      </summary>
      <Table
        caption={`Earlier ${older[0]!.kind}, newest first`}
        columns={[
          "Measured",
          ...names.map((title) => ({ title, look: "number" })),
          { title: "Evidence", look: "wide" },
        ]}
      >
        {older.map((evidence) => (
          <tr key={evidence.id}>
            <td className="nowrap">
              <Moment at={evidence.measuredAt} />
            </td>
            {names.map((name) => (
              <td className="number" key={name}>
                <ShortValue value={evidence.values[name]} />
              </td>
            ))}
            <td>
              <code>{evidence.id}</code>
            </td>
          </tr>
        ))}
      </Table>
    </details>
  );
}

function ShortValue({ value }: { value: Evidence["values"][string] | undefined }) {
  if (value === undefined) return NONE;
  const text = measuredText(value);
  return text.value === null ? "undefined" : `${text.value} ${text.unit}`;
}
