// One run, live: its learning curve as it grows, how far it is, what it is worth beside simpler models, what decided it, and what came
// of it.
import { useEffect, useState } from "react";
import { client, type RunRecord, type RunView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { JobActions } from "../jobs/job-actions.tsx";
import { Progress } from "../jobs/progress.tsx";
import { useJob } from "../jobs/use-job.ts";
import { DeployDialog } from "../model/deploy-dialog.tsx";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { durationText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Ago } from "../parts/time.tsx";
import { useResource } from "../resource.ts";
import { compareRunsPath, jobPath, versionPath } from "../router.ts";
import { useTheme } from "../theme.ts";
import { epochsNotFinite } from "./curve.ts";
import { FiguresTables } from "./figures-table.tsx";
import { LearningCharts } from "./learning-charts.tsx";
import { RunFacts, SettingsList } from "./run-facts.tsx";
import { hasEnded, runTitle } from "./run-text.ts";
import "../activity/activity.css";
import "../endpoint/endpoint.css";
import "../evidence/evidence.css";
import "../jobs/jobs.css";
import "./runs.css";

export function Run({ id }: { id: string }) {
  // A run outlives its job, which is asked for only while something of it may change.
  const [isSettled, setSettled] = useState(true);
  const { job, follow } = useJob(isSettled ? null : id);
  // The job tells when there is news, about once a second while it trains.
  const { data, error } = useResource(
    `run ${id}`,
    (signal) => client.getRun({ params: { id } }, { signal }),
    job?.revision ?? 0,
  );
  const isOpen = data !== null && data.state !== "succeeded";
  useEffect(() => setSettled(!isOpen), [isOpen]);
  const { status } = useFeed();
  if (data === null) {
    return (
      <>
        <PageTitle title="Run" />
        {error !== null && (
          <div className="empty">
            <Failure error={error} what="The run could not be read." />
            <p>
              <Link href="/runs">All runs</Link>
            </p>
          </div>
        )}
      </>
    );
  }
  const now = status?.now ?? Date.now();
  const isCancelling = job !== null && job.state === "running" && job.cancelAskedAt !== null;
  return (
    <>
      <div className="page-head">
        <div>
          <PageTitle title={`Training of ${runTitle(data)}`} />
          <p className="page-state" role="status">
            <StateMark state={isCancelling ? "cancelling" : data.state} />
            <StateText view={data} hasCheckpoint={job?.hasCheckpoint === true} now={now} />
          </p>
        </div>
        <div className="actions">
          {data.number !== null && <Outcome name={data.name} number={data.number} />}
          {data.run !== null && (
            <Link className="button" href={compareRunsPath([id])}>
              Compare…
            </Link>
          )}
          {job !== null && <JobActions job={job} onChanged={follow} />}
        </div>
      </div>
      {error !== null && <Failure error={error} what="The server does not answer; this is what was last known." />}
      {job !== null && !hasEnded(data) && (
        <div className="job-progress">
          <Progress job={job} />
          <p>{data.progress?.text ?? (data.state === "queued" ? "waits for its turn" : "begins")}</p>
        </div>
      )}
      {data.error !== null && data.state !== "cancelled" && (
        <div className="notice job-error" role="alert">
          <p>
            <strong>It failed.</strong> {data.error.message}
          </p>
          <p className="quiet">
            Code <code>{data.error.code}</code>
          </p>
        </div>
      )}
      {data.run === null ? <NoCurve view={data} /> : <Learnt id={id} run={data.run} isEnded={hasEnded(data)} />}
      <Section id="decided" title="What decided it" end={job !== null && <Link href={jobPath(id)}>Its job</Link>}>
        <RunFacts view={data} />
        {data.run !== null && (
          <details className="more-of">
            <summary>All settings</summary>
            <SettingsList run={data.run} />
          </details>
        )}
      </Section>
    </>
  );
}

function StateText({ view, hasCheckpoint, now }: { view: RunView; hasCheckpoint: boolean; now: number }) {
  const { state, startedAt, endedAt } = view;
  switch (state) {
    case "queued":
      return <span>{hasCheckpoint ? "It waits to go on from its checkpoint." : "It waits for its turn."}</span>;
    case "running":
      return startedAt === null ? null : <span>for {durationText(now - startedAt)}</span>;
    case "failed":
    case "cancelled":
      return <span>{hasCheckpoint ? "It can go on from its last checkpoint." : "It can begin anew."}</span>;
    case "succeeded":
      return startedAt === null || endedAt === null ? null : (
        <span>
          in {durationText(endedAt - startedAt)}, ended <Ago at={endedAt} now={now} />
        </span>
      );
  }
}

/** What came of it: a version, which can be deployed from here. */
function Outcome({ name, number }: { name: string; number: number }) {
  const [isDeploying, setDeploying] = useState(false);
  const { status } = useFeed();
  const { data } = useResource(`version ${name} ${number}`, (signal) =>
    client.getVersion({ params: { name, number } }, { signal }),
  );
  return (
    <>
      <Link className="button" href={versionPath(name, number)}>
        Version {number}
      </Link>
      <button type="button" className="button primary" disabled={data === null} onClick={() => setDeploying(true)}>
        Deploy…
      </button>
      {isDeploying && data !== null && (
        <DeployDialog
          version={data}
          endpoints={status?.endpoints ?? []}
          onClose={() => setDeploying(false)}
          onDeployed={() => undefined}
        />
      )}
    </>
  );
}

function Learnt({ id, run, isEnded }: { id: string; run: RunRecord; isEnded: boolean }) {
  const theme = useTheme();
  const picture = (format: "svg" | "png"): string =>
    `/api/runs/${encodeURIComponent(id)}/curve?format=${format}&theme=${theme}`;
  const broken = epochsNotFinite(run);
  return (
    <>
      <Section
        id="curve"
        title="Learning curve"
        note={isEnded ? undefined : "grows as it trains"}
        end={
          <span className="chart-files">
            <a href={picture("svg")} download={`${id}.svg`}>
              SVG<span className="hidden-visually"> of the learning curve</span>
            </a>
            <a href={picture("png")} download={`${id}.png`}>
              PNG<span className="hidden-visually"> of the learning curve</span>
            </a>
          </span>
        }
      >
        <LearningCharts run={run} />
        {broken.length > 0 && (
          <p className="notice" data-tone="warn">
            <strong>Not finite:</strong> the validation loss of {broken.length === 1 ? "epoch" : "epochs"}{" "}
            {broken.slice(0, 8).map(wholeText).join(", ")}
            {broken.length > 8 && ` and ${broken.length - 8} more`} was NaN or infinite; the lines have gaps there, and
            these weights are never served.
          </p>
        )}
      </Section>
      <Section id="figures" title="What it is worth" note={`beside simpler models, by ${run.score}`}>
        <FiguresTables run={run} />
      </Section>
    </>
  );
}

function NoCurve({ view }: { view: RunView }) {
  return (
    <Section id="curve" title="Learning curve">
      <div className="empty">
        {hasEnded(view) ? (
          <p>It ended before its first epoch was through, so there is no curve.</p>
        ) : (
          <>
            <p>
              The curve begins with the first epoch. Before it the rows are read, and simpler models are fitted to hold
              the network against. It goes on when this page is closed. The command line can follow it, too:
            </p>
            <Command text={`npx slipway job watch ${view.id}`} label="command to follow this run" />
          </>
        )}
      </div>
    </Section>
  );
}
