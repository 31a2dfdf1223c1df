// The versions of a name: where each is live, and how to put it there.
import { useState } from "react";
import type { EndpointView, VersionView } from "../api.ts";
import { bytesText, versionText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Ago } from "../parts/time.tsx";
import { Table } from "../parts/table.tsx";
import { comparePath, endpointPath, versionPath } from "../router.ts";
import { DeployDialog } from "./deploy-dialog.tsx";

interface VersionsProps {
  readonly versions: readonly VersionView[];
  readonly shown: number;
  readonly endpoints: readonly EndpointView[];
  readonly now: number;
  readonly onDeployed: () => void;
}

export function Versions({ versions, shown, endpoints, now, onDeployed }: VersionsProps) {
  const [deploying, setDeploying] = useState<VersionView | null>(null);
  return (
    <>
      <Table
        caption="Versions, newest first"
        look="versions"
        columns={[
          "Version",
          "Deployed as",
          { title: "Source", look: "secondary" },
          { title: "Note", look: "wide secondary" },
          { title: "Parameters", look: "number secondary" },
          { title: "Size", look: "number secondary" },
          { title: "Registered", look: "number secondary" },
          { title: "Deploy or compare", isHidden: true },
        ]}
      >
        {versions.map((version) => (
          <tr key={version.number} data-shown={version.number === shown}>
            <th scope="row">
              <Link
                href={versionPath(version.name, version.number)}
                aria-current={version.number === shown ? "true" : undefined}
              >
                {version.number}
              </Link>
            </th>
            <td>
              <DeployedAs version={version} endpoints={endpoints} />
            </td>
            <td className="secondary">{version.source}</td>
            <td className="secondary">{version.note ?? <span className="quiet">–</span>}</td>
            <td className="number secondary">{wholeText(version.model.parameterCount)}</td>
            <td className="number secondary">{bytesText(version.model.sizeBytes)}</td>
            <td className="number secondary">
              <Ago at={version.createdAt} now={now} />
            </td>
            <td className="number acts">
              {version.number !== shown && (
                <Link className="button small" href={comparePath(...inOrder(version, shown))}>
                  Compare
                  <span className="hidden-visually">
                    {" "}
                    version {version.number} with version {shown}
                  </span>
                </Link>
              )}{" "}
              <button type="button" className="button small" onClick={() => setDeploying(version)}>
                Deploy<span className="hidden-visually"> version {version.number}</span>
              </button>
            </td>
          </tr>
        ))}
      </Table>
      {deploying !== null && (
        <DeployDialog
          version={deploying}
          endpoints={endpoints}
          onClose={() => setDeploying(null)}
          onDeployed={onDeployed}
        />
      )}
    </>
  );
}

/** The earlier first: the later is held against it. */
function inOrder({ name, number }: VersionView, shown: number): [first: string, second: string] {
  const at = (one: number): string => versionText({ name, number: one });
  return [at(Math.min(number, shown)), at(Math.max(number, shown))];
}

function DeployedAs({ version, endpoints }: { version: VersionView; endpoints: readonly EndpointView[] }) {
  const marks = endpoints.flatMap(({ name, deployments }) =>
    deployments
      .filter((deployment) => deployment.name === version.name && deployment.number === version.number)
      .map((deployment) => (
        <span className="deployed" key={deployment.id}>
          <Link href={endpointPath(name)}>{name}</Link>{" "}
          <StateMark state={deployment.state} {...(deployment.isLive ? { text: `live, ${deployment.state}` } : {})} />
        </span>
      )),
  );
  return marks.length === 0 ? <span className="quiet">not deployed</span> : marks;
}
