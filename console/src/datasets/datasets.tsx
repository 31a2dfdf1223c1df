// Every registered dataset: what it is, and where to look closer.
import { client, type DatasetView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { bytesText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle } from "../parts/section.tsx";
import { Table } from "../parts/table.tsx";
import { Ago } from "../parts/time.tsx";
import { useResource } from "../resource.ts";
import { datasetPath } from "../router.ts";
import "../activity/activity.css";

export function Datasets() {
  const { data, error } = useResource("datasets", (signal) => client.listDatasets({ query: {} }, { signal }));
  const { status } = useFeed();
  const now = status?.now ?? Date.now();
  return (
    <>
      <PageTitle title="Datasets" />
      <p className="lead">
        Rows that were registered: where they lie, how they are read and split, and what was found in them. The rows
        themselves stay where they are.
      </p>
      {error !== null && <Failure error={error} what="The datasets could not be read." />}
      {data?.length === 0 && (
        <div className="empty">
          <p>No dataset is registered yet. Look into a file, or register it:</p>
          <Command text="npx slipway dataset inspect rows.csv --target label" label="command to look into a file" />
          <Command text="npx slipway dataset add rows.csv --target label" label="command to register a file" />
        </div>
      )}
      {data !== null && data.length > 0 && <DatasetTable datasets={data} now={now} />}
    </>
  );
}

function DatasetTable({ datasets, now }: { datasets: readonly DatasetView[]; now: number }) {
  return (
    <Table
      caption="Registered datasets"
      columns={[
        { title: "Name", look: "wide" },
        "Format",
        { title: "Rows", look: "number" },
        { title: "Columns", look: "number secondary" },
        { title: "Size", look: "number secondary" },
        { title: "Splits", look: "secondary" },
        { title: "Registered", look: "number secondary" },
      ]}
    >
      {datasets.map(({ name, number, manifest, createdAt }) => (
        <tr key={`${name}:${number}`}>
          <th scope="row">
            <Link href={datasetPath(name, number)}>
              {name}:{number}
            </Link>
          </th>
          <td>{manifest.format}</td>
          <td className="number">{wholeText(manifest.rows)}</td>
          <td className="number secondary">{wholeText(manifest.columns.length)}</td>
          <td className="number secondary">{bytesText(manifest.sizeBytes)}</td>
          <td className="nowrap secondary">{Object.keys(manifest.splits).join(", ") || "–"}</td>
          <td className="number secondary">
            <Ago at={createdAt} now={now} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
