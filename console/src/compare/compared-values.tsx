// Values of two versions in one row each: both intervals on one axis, the difference, and whether it is one.
import type { Comparison, MeasuredValue } from "../api.ts";
import { type Axis, commonAxis } from "../evidence/groups.ts";
import { differenceText, measuredText, relativeText } from "../evidence/quantity.ts";
import { Whisker } from "../evidence/whisker.tsx";
import { countText, NONE, versionText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { measurePath } from "../router.ts";

type Compared = Comparison["values"][number];

interface Group {
  readonly title: string;
  readonly kind: string;
  readonly values: readonly Compared[];
}

export function ComparedValues({ comparison }: { comparison: Comparison }) {
  return groupsOf(comparison.values).map((group) => (
    <section key={group.title} className="kind" aria-label={group.title}>
      <h3>{group.title}</h3>
      <GroupValues group={group} comparison={comparison} />
    </section>
  ));
}

/** By kind, data and machine. */
function groupsOf(values: readonly Compared[]): readonly Group[] {
  const groups = new Map<string, Compared[]>();
  for (const value of values) {
    const title = value.where === "" ? value.kind : `${value.kind}, ${value.where}`;
    groups.set(title, [...(groups.get(title) ?? []), value]);
  }
  return [...groups].map(([title, members]) => ({ title, kind: members[0]!.kind, values: members }));
}

function GroupValues({ group, comparison }: { group: Group; comparison: Comparison }) {
  const { first, second } = comparison;
  const missing = [
    { version: first, other: second, isMissing: group.values.every((value) => value.first === null) },
    { version: second, other: first, isMissing: group.values.every((value) => value.second === null) },
  ].find(({ isMissing }) => isMissing);
  if (missing !== undefined) {
    const { name, number } = missing.version;
    return (
      <p className="quiet">
        Measured of {versionText(missing.other)} alone.{" "}
        <Link href={`${measurePath(name, number)}?what=${encodeURIComponent(group.kind)}`}>
          Measure {group.kind} of {versionText(missing.version)}
        </Link>{" "}
        to compare it.
      </p>
    );
  }
  const both = group.values.filter((value) => value.first !== null && value.second !== null);
  const one = group.values.filter((value) => !both.includes(value));
  const plain = both.filter(({ metric }) => !metric.includes("["));
  const parts = both.filter(({ metric }) => metric.includes("["));
  return (
    <>
      {plain.length > 0 && <ValueRows title={group.title} values={plain} comparison={comparison} />}
      {parts.length > 0 && (
        <details className="more-of">
          <summary>{countText(parts.length, "value")} part by part</summary>
          <ValueRows title={`${group.title}, part by part`} values={parts} comparison={comparison} />
        </details>
      )}
      {one.length > 0 && (
        <details className="more-of">
          <summary>{countText(one.length, "value")} measured of one alone, or with other settings</summary>
          <ValueRows title={`${group.title}, measured of one alone`} values={one} comparison={comparison} />
        </details>
      )}
    </>
  );
}

interface ValueRowsProps {
  readonly title: string;
  readonly values: readonly Compared[];
  readonly comparison: Comparison;
}

function ValueRows({ title, values, comparison: { first, second } }: ValueRowsProps) {
  return (
    <Table
      caption={`${title}: ${versionText(second)} held against ${versionText(first)}`}
      look="values"
      columns={[
        "Measure",
        { title: versionText(first), look: "number" },
        { title: versionText(second), look: "number" },
        { title: "Drawn", look: "secondary" },
        { title: "Difference", look: "number" },
        "Verdict",
        { title: "Why", look: "wide secondary" },
      ]}
    >
      {values.map((value, index) => (
        // With other settings the same metric stands here again.
        <Row key={`${value.metric} ${index}`} value={value} />
      ))}
    </Table>
  );
}

function Row({ value }: { value: Compared }) {
  const { metric, unit, first, second, difference, relative, verdict, reason } = value;
  const sides = [first, second].filter((side) => side !== null);
  const axis = sides.some(({ interval }) => interval !== null) ? commonAxis(sides) : null;
  const size = Math.max(...sides.map((side) => Math.abs(side.value ?? 0)), 0);
  return (
    <tr>
      <th scope="row">{metric}</th>
      <Side value={first} />
      <Side value={second} />
      <td className="secondary">
        <Drawn value={first} axis={axis} />
        <Drawn value={second} axis={axis} />
      </td>
      <td className="number">
        {difference === null ? NONE : differenceText(difference, unit, size)}
        {relative !== null && difference !== 0 && <small className="quiet under">{relativeText(relative)}</small>}
      </td>
      <td>
        <StateMark state={verdict} />
      </td>
      <td className="secondary quiet">{reason}</td>
    </tr>
  );
}

function Side({ value }: { value: MeasuredValue | null }) {
  if (value === null) return <td className="number quiet">not measured</td>;
  const text = measuredText(value);
  if (text.value === null) return <td className="number">undefined</td>;
  return (
    <td className="number">
      {text.value} {text.unit}
      {text.interval !== null && <small className="quiet under">{text.interval}</small>}
    </td>
  );
}

function Drawn({ value, axis }: { value: MeasuredValue | null; axis: Axis | null }) {
  if (value === null || axis === null) return null;
  return (
    <span className="drawn">
      <Whisker value={value} axis={axis} />
    </span>
  );
}
