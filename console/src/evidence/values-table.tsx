// The numbers of one piece of evidence: each with its interval in digits and as a picture, its unit, how it was computed and
// on how much it rests. What is undefined says why.
import type { Evidence, MeasuredValue } from "../api.ts";
import { wholeText } from "../parts/format.ts";
import { Table } from "../parts/table.tsx";
import { axesOf, type Axis, commonAxis, type NamedValue, type PartedValues, splitValues } from "./groups.ts";
import { levelText, measuredText } from "./quantity.ts";
import { Whisker } from "./whisker.tsx";

export function ValuesTable({ evidence }: { evidence: Evidence }) {
  const { plain, parts } = splitValues(evidence.values);
  return (
    <>
      {plain.length > 0 && <PlainValues caption={`Values of ${evidence.kind}`} values={plain} />}
      {parts !== null && <Parts kind={evidence.kind} parts={parts} />}
    </>
  );
}

function PlainValues({ caption, values }: { caption: string; values: readonly NamedValue[] }) {
  const axes = axesOf(values);
  const hasIntervals = axes.size > 0;
  const hasCounts = values.some(([, { count }]) => count !== null);
  const level = values.find(([, { interval }]) => interval !== null)?.[1].interval?.level ?? 0.95;
  return (
    <Table
      caption={caption}
      look="values"
      columns={[
        "Measure",
        { title: "Value", look: "number" },
        { title: "Unit", look: "unit" },
        ...(hasIntervals
          ? [
              { title: `${levelText(level)} interval`, look: "nowrap" },
              { title: "Drawn", look: "secondary" },
            ]
          : []),
        ...(hasCounts ? [{ title: "Count", look: "number secondary" }] : []),
        { title: "How it was computed", look: "wide secondary" },
      ]}
    >
      {values.map(([name, value]) => (
        <ValueRow
          key={name}
          name={name}
          value={value}
          hasIntervals={hasIntervals}
          hasCounts={hasCounts}
          axis={axes.get(name)}
        />
      ))}
    </Table>
  );
}

interface ValueRowProps {
  readonly name: string;
  readonly value: MeasuredValue;
  readonly hasIntervals: boolean;
  readonly hasCounts: boolean;
  readonly axis: Axis | undefined;
}

function ValueRow({ name, value, hasIntervals, hasCounts, axis }: ValueRowProps) {
  const text = measuredText(value);
  return (
    <tr>
      <th scope="row">{name}</th>
      {text.value === null ? (
        <td colSpan={hasIntervals ? 4 : 2}>
          <b>undefined</b>: {value.reason}
        </td>
      ) : (
        <>
          <td className="number value">{text.value}</td>
          <td className="unit quiet">{text.unit}</td>
          {hasIntervals && (
            <>
              <td className="nowrap">{text.interval ?? <span className="quiet">–</span>}</td>
              <td className="secondary">{value.interval !== null && <Whisker value={value} axis={axis} />}</td>
            </>
          )}
        </>
      )}
      {hasCounts && <td className="number secondary">{wholeText(value.count)}</td>}
      <td className="secondary quiet">{value.method}</td>
    </tr>
  );
}

/** A row for each class or slice, a column for each metric; the first metric with intervals is drawn. */
function Parts({ kind, parts: { metrics, rows } }: { kind: string; parts: PartedValues }) {
  const drawn = metrics.findIndex((_, column) =>
    rows.some(({ values }) => (values[column]?.[1].interval ?? null) !== null),
  );
  const axis = commonAxis(rows.flatMap(({ values }) => values[drawn]?.[1] ?? []));
  return (
    <details className="more-of">
      <summary>
        {metrics.join(", ")} of {rows.length} parts
      </summary>
      <Table
        caption={`${kind}, part by part`}
        look="values"
        columns={[
          "Part",
          ...metrics.map((title) => ({ title, look: "number" })),
          ...(drawn === -1
            ? []
            : [
                { title: `${metrics[drawn]}, interval`, look: "nowrap" },
                { title: "Drawn", look: "wide secondary" },
              ]),
        ]}
      >
        {rows.map(({ part, values }) => (
          <tr key={part}>
            <th scope="row">{part}</th>
            {values.map((value, column) => (
              <td className="number" key={metrics[column]}>
                <PartValue value={value} />
              </td>
            ))}
            {drawn !== -1 && <PartInterval value={values[drawn]?.[1] ?? null} axis={axis} />}
          </tr>
        ))}
      </Table>
    </details>
  );
}

function PartValue({ value }: { value: NamedValue | null }) {
  if (value === null) return <span className="quiet">–</span>;
  const text = measuredText(value[1]);
  if (text.value === null) return <span title={value[1].reason ?? ""}>undefined</span>;
  return `${text.value}${text.unit === "" ? "" : ` ${text.unit}`}`;
}

function PartInterval({ value, axis }: { value: MeasuredValue | null; axis: Axis | null }) {
  const interval = value === null ? null : measuredText(value).interval;
  return (
    <>
      <td className="nowrap">{interval ?? <span className="quiet">–</span>}</td>
      <td className="secondary">{value !== null && interval !== null && <Whisker value={value} axis={axis} />}</td>
    </>
  );
}
