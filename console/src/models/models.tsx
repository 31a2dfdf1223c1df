// Every registered name with its newest version.
import { client, type EndpointView, type VersionView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { bytesText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle } from "../parts/section.tsx";
import { Ago } from "../parts/time.tsx";
import { Table } from "../parts/table.tsx";
import { useResource } from "../resource.ts";
import { endpointPath, modelPath } from "../router.ts";
import "../activity/activity.css";

/** The versions of each name, newest first; names in alphabetical order. */
function byName(versions: readonly VersionView[]): [string, VersionView[]][] {
  const names = new Map<string, VersionView[]>();
  for (const version of versions) names.set(version.name, [...(names.get(version.name) ?? []), version]);
  for (const list of names.values()) list.sort((a, b) => b.number - a.number);
  return [...names].sort(([a], [b]) => a.localeCompare(b));
}

/** Where a name's versions are live, as `digits (3)`. */
function liveOf(name: string, endpoints: readonly EndpointView[]): EndpointView[] {
  return endpoints.filter(({ live }) => live?.name === name);
}

export function Models() {
  const { status } = useFeed();
  const endpoints = status?.endpoints ?? [];
  const changes = endpoints.map(({ name, changedAt }) => `${name} ${changedAt}`).join();
  const { data, error } = useResource("versions", (signal) => client.listVersions({ query: {} }, { signal }), changes);
  const now = status?.now ?? Date.now();
  return (
    <>
      <PageTitle title="Models" />
      <p className="lead">
        What is registered here. A version is a model with its processing; it is served once deployed.
      </p>
      {error !== null && <Failure error={error} what="The versions could not be read." />}
      {data?.length === 0 && (
        <div className="empty">
          <p>Nothing is registered yet. Import a file to register it as version 1 of a name, or deploy it in one go:</p>
          <Command text="npx slipway import model.onnx --name my-model" label="command to import a file" />
          <Command text="npx slipway deploy model.onnx --name my-model" label="command to deploy a file" />
        </div>
      )}
      {data !== null && data.length > 0 && (
        <Table
          caption="Registered names"
          columns={[
            { title: "Name", look: "wide" },
            { title: "Newest", look: "number" },
            "Live in",
            { title: "Parameters", look: "number secondary" },
            { title: "Size", look: "number" },
            { title: "Registered", look: "number secondary" },
          ]}
        >
          {byName(data).map(([name, [newest]]) => (
            <tr key={name}>
              <th scope="row">
                <Link href={modelPath(name)}>{name}</Link>
              </th>
              <td className="number">{newest?.number}</td>
              <td className="nowrap">
                <LiveIn endpoints={liveOf(name, endpoints)} />
              </td>
              <td className="number secondary">{wholeText(newest?.model.parameterCount)}</td>
              <td className="number">{bytesText(newest?.model.sizeBytes ?? 0)}</td>
              <td className="number secondary">
                <Ago at={newest?.createdAt ?? now} now={now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

function LiveIn({ endpoints }: { endpoints: readonly EndpointView[] }) {
  if (endpoints.length === 0) return <span className="quiet">–</span>;
  return endpoints.map(({ name, live }, i) => (
    <span key={name}>
      {i > 0 && ", "}
      <Link href={endpointPath(name)}>{name}</Link> ({live?.number})
    </span>
  ));
}
