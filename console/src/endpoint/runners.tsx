// The processes behind an endpoint: which there are, how they died before, and what holds them.
import type { DeploymentView } from "../api.ts";
import { megabytesText, versionText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Ago } from "../parts/time.tsx";
import { Table } from "../parts/table.tsx";
import { versionPath } from "../router.ts";

type Executor = NonNullable<DeploymentView["executor"]>;

const CAUSES: Readonly<Record<Executor["deaths"][number]["cause"], string>> = {
  "run-timeout": "A run took too long",
  memory: "Too much memory",
  crash: "Crashed",
  protocol: "Unreadable frame",
};

export function Runners({ executor, now }: { executor: Executor | null; now: number }) {
  const runners = executor?.runners ?? [];
  if (runners.length === 0)
    return <p className="quiet">No runner process; the deployment is not loaded or runs inline.</p>;
  return (
    <Table
      caption="Runners"
      columns={[
        "Runner",
        "State",
        { title: "Process id", look: "number secondary" },
        { title: "Memory, MB", look: "number" },
        { title: "Runs", look: "number" },
        { title: "In flight", look: "number" },
        { title: "Started", look: "number secondary" },
      ]}
    >
      {runners.map((runner) => (
        <tr key={runner.id}>
          <th scope="row">{runner.id}</th>
          <td>
            <StateMark state={runner.state} />
          </td>
          <td className="number secondary">{runner.pid ?? "–"}</td>
          <td className="number">{megabytesText(runner.residentBytes)}</td>
          <td className="number">{wholeText(runner.runs)}</td>
          <td className="number">{wholeText(runner.inFlight)}</td>
          <td className="number secondary">
            <Ago at={runner.startedAtMs} now={now} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function Deaths({ executor, now }: { executor: Executor | null; now: number }) {
  const deaths = executor?.deaths ?? [];
  if (deaths.length === 0) return <p className="quiet">None since the deployment was loaded.</p>;
  return (
    <Table
      caption="Deaths of runners"
      columns={[
        "When",
        "Cause",
        { title: "What happened", look: "wide" },
        { title: "Input fingerprint", look: "secondary" },
      ]}
    >
      {[...deaths].reverse().map((death) => (
        <tr key={`${death.atMs} ${death.text}`}>
          <td className="nowrap">
            <Ago at={death.atMs} now={now} />
          </td>
          <th scope="row" className="nowrap">
            {CAUSES[death.cause]}
          </th>
          <td>{death.text}</td>
          <td className="secondary">
            {death.inputFingerprint === null ? "–" : <code>{death.inputFingerprint.slice(0, 12)}</code>}
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function Containment({ executor }: { executor: Executor | null }) {
  const measures = executor?.containment ?? [];
  if (measures.length === 0) return <p className="quiet">None in force: the model runs inside the server process.</p>;
  return (
    <ul className="measures">
      {measures.map((measure) => (
        <li key={measure}>{measure}</li>
      ))}
    </ul>
  );
}

export function Deployments({ deployments, now }: { deployments: readonly DeploymentView[]; now: number }) {
  return (
    <Table
      caption="Loaded deployments"
      columns={[
        "Version",
        "State",
        { title: "Why", look: "wide" },
        { title: "Waiting", look: "number" },
        { title: "In flight", look: "number" },
        { title: "Deployed", look: "number secondary" },
      ]}
    >
      {deployments.map((deployment) => (
        <tr key={deployment.id}>
          <th scope="row" className="nowrap">
            <Link href={versionPath(deployment.name, deployment.number)}>{versionText(deployment)}</Link>
            {deployment.isLive && " (live)"}
          </th>
          <td>
            <StateMark state={deployment.state} />
          </td>
          <td>{deployment.reason ?? "–"}</td>
          <td className="number">{wholeText(deployment.queuedRequests)}</td>
          <td className="number">{wholeText(deployment.inFlight)}</td>
          <td className="number secondary">
            <Ago at={deployment.createdAt} now={now} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
