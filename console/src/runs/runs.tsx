// Every run there is, newest first: what learns from what, how far it is, and what it came to; chosen ones are compared.
import { useState } from "react";
import { client, type RunView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { NONE } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { Ago } from "../parts/time.tsx";
import { useFollowed } from "../resource.ts";
import { compareRunsPath, runPath, startRunPath, useQueryParameter } from "../router.ts";
import { MOST_COMPARED } from "./compare-runs.tsx";
import { bestFigure, epochText, figureText, runLabel, runTitle, taskText } from "./run-text.ts";
import "../activity/activity.css";
import "../endpoint/endpoint.css";
import "./runs.css";

const LIMIT = 100;
const PERIOD_MS = 2000;

export function Runs() {
  const [name, setName] = useQueryParameter("name");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { status } = useFeed();
  const query = { limit: LIMIT, ...(name === null ? {} : { name }) };
  const { data, error } = useFollowed(
    `runs ${JSON.stringify(query)}`,
    (signal) => client.listRuns({ query }, { signal }),
    // Another may be started elsewhere at any time.
    { periodMs: PERIOD_MS, isFollowed: () => true },
  );
  return (
    <>
      <div className="page-head">
        <PageTitle title="Training" />
        <div className="actions">
          {chosen.length > 1 && (
            <Link className="button" href={compareRunsPath(chosen)}>
              Compare {chosen.length} runs
            </Link>
          )}
          <Link className="button primary" href={startRunPath(null)}>
            Train…
          </Link>
        </div>
      </div>
      <p className="lead">
        Runs: networks that were fitted to rows, with all that decided what came of them. A run becomes a version, which
        is deployed like any other.
      </p>
      {name !== null && (
        <p className="filter">
          Only of <b>{name}</b>{" "}
          <button type="button" className="button small" onClick={() => setName(null)}>
            Show all
          </button>
        </p>
      )}
      {error !== null && <Failure error={error} what="The runs could not be read." />}
      {data?.length === 0 && <NoRuns />}
      {data !== null && data.length > 0 && (
        <RunTable runs={data} now={status?.now ?? Date.now()} chosen={chosen} onChosen={setChosen} />
      )}
      {data?.length === LIMIT && <p className="more quiet">Only the newest {LIMIT} are shown.</p>}
    </>
  );
}

function NoRuns() {
  return (
    <div className="empty">
      <p>
        Nothing was trained yet. Register rows as a dataset and start from here, or train on a file from the command
        line:
      </p>
      <Command text="npx slipway train --data rows.csv --target label" label="command to train on a file" />
    </div>
  );
}

interface RunTableProps {
  readonly runs: readonly RunView[];
  readonly now: number;
  readonly chosen: readonly string[];
  readonly onChosen: (ids: readonly string[]) => void;
}

function RunTable({ runs, now, chosen, onChosen }: RunTableProps) {
  return (
    <Table
      caption="Runs, newest first"
      look="runs"
      columns={[
        { title: "Compare", isHidden: true },
        { title: "Run", look: "wide" },
        { title: "Learns", look: "secondary" },
        { title: "From", look: "secondary" },
        "State",
        { title: "Epoch", look: "number secondary" },
        { title: "Best validation", look: "number" },
        { title: "Begun", look: "number secondary" },
      ]}
    >
      {runs.map((one) => (
        <tr key={one.id}>
          <td className="run-choice">
            <input
              type="checkbox"
              aria-label={`Compare ${runLabel(one)}`}
              checked={chosen.includes(one.id)}
              disabled={one.run === null || (!chosen.includes(one.id) && chosen.length >= MOST_COMPARED)}
              onChange={({ target }) =>
                onChosen(target.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))
              }
            />
          </td>
          <th scope="row">
            <Link href={runPath(one.id)}>{runTitle(one)}</Link>
            {one.run !== null && <span className="under quiet">{one.run.network.kind}</span>}
          </th>
          <td className="secondary nowrap">{taskText(one)}</td>
          <td className="secondary">{one.order.data.description.name}</td>
          <td>
            <StateMark state={one.state} />
            {one.state === "failed" && <span className="under quiet secondary">{one.error?.code}</span>}
            {one.state === "running" && <span className="under quiet">{shareText(one)}</span>}
          </td>
          <td className="number secondary">{epochText(one)}</td>
          <td className="number">
            <Best view={one} />
          </td>
          <td className="number secondary">{one.startedAt === null ? NONE : <Ago at={one.startedAt} now={now} />}</td>
        </tr>
      ))}
    </Table>
  );
}

/** `42 %`, of its steps. */
function shareText({ progress }: RunView): string {
  if (progress === null || progress.total === null || progress.total === 0) return "begins";
  return `${Math.floor((100 * progress.done) / progress.total)} %`;
}

function Best({ view: { run } }: { view: RunView }) {
  const best = bestFigure(run);
  if (run === null || best === null) return NONE;
  return (
    <>
      <span className="quiet secondary">{run.score}</span> {figureText(best.value)}
      {!best.isFinal && <span className="under quiet">so far</span>}
    </>
  );
}
