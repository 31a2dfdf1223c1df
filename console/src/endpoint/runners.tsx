// The processes behind an endpoint: which there are, how they died before, and what holds them.
import type { DeploymentView } from "../api.ts";
import { megabytesText, versionText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Ago } from "../parts/time.tsx";
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
    <div className="scroll">
      <table className="table">
        <caption className="hidden-visually">Runners</caption>
        <thead>
          <tr>
            <th scope="col">Runner</th>
            <th scope="col">State</th>
            <th scope="col" className="number secondary">
              Process id
            </th>
            <th scope="col" className="number">
              Memory, MB
            </th>
            <th scope="col" className="number">
              Runs
            </th>
            <th scope="col" className="number">
              In flight
            </th>
            <th scope="col" className="number secondary">
              Started
            </th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
  );
}

export function Deaths({ executor, now }: { executor: Executor | null; now: number }) {
  const deaths = executor?.deaths ?? [];
  if (deaths.length === 0) return <p className="quiet">None since the deployment was loaded.</p>;
  return (
    <div className="scroll">
      <table className="table">
        <caption className="hidden-visually">Deaths of runners</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Cause</th>
            <th scope="col" className="wide">
              What happened
            </th>
            <th scope="col" className="secondary">
              Input fingerprint
            </th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
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
    <div className="scroll">
      <table className="table">
        <caption className="hidden-visually">Loaded deployments</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">State</th>
            <th scope="col" className="wide">
              Why
            </th>
            <th scope="col" className="number">
              Waiting
            </th>
            <th scope="col" className="number">
              In flight
            </th>
            <th scope="col" className="number secondary">
              Deployed
            </th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
  );
}
