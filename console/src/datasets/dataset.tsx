// One dataset: what in it speaks against training, what is predicted and what tells of it, and every column.
import { client, type DatasetView, type Inspection } from "../api.ts";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { bytesText, countText, percentText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { useResource } from "../resource.ts";
import { startRunPath, useQueryParameter } from "../router.ts";
import { Histogram } from "./histogram.tsx";
import { associationValue, MEASURES, valuesText } from "./inspection-text.ts";
import "../activity/activity.css";
import "../endpoint/endpoint.css";
import "./dataset.css";

const MOST_ASSOCIATIONS = 20;

export function Dataset({ name }: { name: string }) {
  const [wanted] = useQueryParameter("number");
  const number = wanted !== null && /^[1-9]\d{0,8}$/.test(wanted) ? Number(wanted) : undefined;
  const { data, error } = useResource(`dataset ${name}:${number ?? ""}`, (signal) =>
    client.getDataset({ params: { name }, query: number === undefined ? {} : { number } }, { signal }),
  );
  return (
    <>
      <div className="page-head">
        <PageTitle title={data === null ? name : `${data.name}:${data.number}`} />
        {data !== null && (
          <Link className="button" href={startRunPath(`${data.name}:${data.number}`)}>
            Train on it…
          </Link>
        )}
      </div>
      {error !== null && <Failure error={error} what={`The dataset ${name} could not be read.`} />}
      {data !== null && <Found dataset={data} />}
    </>
  );
}

function Found({ dataset }: { dataset: DatasetView }) {
  const { name, number, manifest } = dataset;
  const { inspection, rows, columns, splits, format, fileCount, sizeBytes } = manifest;
  const parts = Object.entries(splits).map(([split, size]) => `${split} ${wholeText(size)}`);
  return (
    <>
      <p className="lead">
        {countText(rows, "row")} of {countText(columns.length, "column")} in {countText(fileCount, "file")} ({format},{" "}
        {bytesText(sizeBytes)}). {parts.length === 0 ? "Not split." : `Split: ${parts.join(", ")}.`}
      </p>
      {inspection === null ? (
        <div className="empty">
          <p>Nobody looked into its rows when it was registered. This looks into them now:</p>
          <Command text={`npx slipway dataset inspect ${name}:${number}`} label="command to look into the rows" />
        </div>
      ) : (
        <Inspected inspection={inspection} />
      )}
      <Section id="data" title="The data">
        <dl className="facts">
          <dt>Source</dt>
          <dd>{manifest.source ?? "not said"}</dd>
          <dt>Licence</dt>
          <dd>{manifest.licence ?? "not said"}</dd>
          <dt>Hash</dt>
          <dd>
            <code className="dataset-hash">{manifest.hash}</code>
          </dd>
        </dl>
      </Section>
    </>
  );
}

function Inspected({ inspection }: { inspection: Inspection }) {
  return (
    <>
      <Findings inspection={inspection} />
      <Target inspection={inspection} />
      <Associations inspection={inspection} />
      <Columns inspection={inspection} />
    </>
  );
}

function Findings({ inspection: { findings, rows, sampledRows } }: { inspection: Inspection }) {
  const note = sampledRows < rows ? `from ${wholeText(sampledRows)} of the rows` : undefined;
  return (
    <Section id="findings" title="Findings" {...(note === undefined ? {} : { note })}>
      {findings.length === 0 ? (
        <p>Nothing was found that speaks against training on it.</p>
      ) : (
        <Table caption="Findings" columns={["Gravity", { title: "What was found, and what to do", look: "wide" }]}>
          {findings.map(({ gravity, text, advice }) => (
            <tr key={text}>
              <td className="nowrap">
                <StateMark state={gravity} />
              </td>
              <td>
                {text} <span className="quiet">{advice}</span>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

function Target({ inspection: { target, splits } }: { inspection: Inspection }) {
  if (target?.kind !== "classes") return null;
  const names = Object.keys(splits);
  const total = target.classes.reduce((sum, { rows }) => sum + rows, 0);
  const { majority } = target.balance;
  return (
    <Section
      id="target"
      title={`The target: ${target.column}`}
      note={`always answering the most frequent class is right in ${percentText(majority)}`}
    >
      <Table
        caption="Classes"
        columns={[
          { title: "Class", look: "wide" },
          { title: "Rows", look: "number" },
          { title: "Share", look: "number" },
          ...names.map((name) => ({ title: `In ${name}`, look: "number secondary" })),
          { title: "Weight to count alike", look: "number secondary" },
        ]}
      >
        {target.classes.slice(0, 50).map(({ label, rows, splits: own, weight }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td className="number">{wholeText(rows)}</td>
            <td className="number">{percentText(rows / Math.max(1, total))}</td>
            {names.map((name) => (
              <td key={name} className="number secondary">
                {wholeText(own[name])}
              </td>
            ))}
            <td className="number secondary">{weight.toFixed(3)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function Associations({ inspection: { associations, target } }: { inspection: Inspection }) {
  if (target === null || associations.length === 0) return null;
  return (
    <Section id="association" title={`What tells of ${target.column}`} note="each column by itself">
      <Table
        caption="What columns tell of the target"
        columns={[
          { title: "Column", look: "wide" },
          "Measure",
          { title: "Value", look: "number" },
          { title: "Strength", look: "secondary" },
          { title: "Of its information", look: "number secondary" },
        ]}
      >
        {associations.slice(0, MOST_ASSOCIATIONS).map((one) => (
          <tr key={one.column}>
            <th scope="row">{one.column}</th>
            <td className="nowrap">{MEASURES[one.measure]}</td>
            <td className="number">{associationValue(one)}</td>
            <td className="secondary">
              <meter
                className="dataset-strength"
                value={one.strength}
                aria-label={`strength of ${one.column}, ${one.strength.toFixed(2)} of 1`}
              />
            </td>
            <td className="number secondary">{percentText(one.informationShare)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function Columns({ inspection: { columns, sampledRows } }: { inspection: Inspection }) {
  return (
    <Section id="columns" title="Columns">
      <Table
        caption="Columns"
        columns={[
          "Column",
          "Role, and why",
          { title: "Missing", look: "number" },
          { title: "Different", look: "number secondary" },
          { title: "Distribution", look: "secondary" },
          { title: "Values", look: "wide secondary" },
        ]}
      >
        {columns.map((column) => (
          <tr key={column.name}>
            <th scope="row">
              {column.name}
              <span className="quiet dataset-below">{column.type}</span>
            </th>
            <td className="dataset-role">
              {column.role}
              <span className="quiet dataset-below">{column.reason}</span>
            </td>
            <td className="number">{column.missing === 0 ? "0" : percentText(column.missing / sampledRows)}</td>
            <td className="number secondary">{wholeText(column.distinct)}</td>
            <td className="secondary">
              {column.distribution === null ? "–" : <Histogram name={column.name} distribution={column.distribution} />}
            </td>
            <td className="secondary">{column.distribution === null ? "–" : valuesText(column.distribution)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
