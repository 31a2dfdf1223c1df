// One job, live: how far it is, what it was told, what came of it, and how to end it or take it up again.
import { client, type JobView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { countText, NONE } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Ago, Moment } from "../parts/time.tsx";
import { FindingView } from "../evidence/finding.tsx";
import { useResource } from "../resource.ts";
import { runPath, versionPath } from "../router.ts";
import { JobActions } from "./job-actions.tsx";
import { hasEnded, jobState, jobTitle, takenText, versionOf } from "./job-text.ts";
import { Subject } from "./jobs.tsx";
import { Progress } from "./progress.tsx";
import { useJob } from "./use-job.ts";
import "../activity/activity.css";
import "../endpoint/endpoint.css";
import "../evidence/evidence.css";

export function Job({ id }: { id: string }) {
  const { job, error, follow } = useJob(id);
  const { status } = useFeed();
  if (job === null) {
    return (
      <>
        <PageTitle title="Job" />
        {error !== null && (
          <div className="empty">
            <Failure error={error} what="The job could not be read." />
            <p>
              Jobs that ended are forgotten after 30 days. <Link href="/jobs">All jobs</Link>
            </p>
          </div>
        )}
      </>
    );
  }
  const now = status?.now ?? Date.now();
  return (
    <>
      <div className="page-head">
        <div>
          <PageTitle title={`${jobTitle(job)} of ${job.subject}`} />
          <p className="page-state" role="status">
            <StateMark state={jobState(job)} />
            <StateText job={job} />
          </p>
        </div>
        <div className="actions">
          {job.kind === "train" && (
            <Link className="button" href={runPath(job.id)}>
              Learning curve
            </Link>
          )}
          <JobActions job={job} onChanged={follow} />
        </div>
      </div>
      {error !== null && <Failure error={error} what="The server does not answer; this is what was last known." />}
      {!hasEnded(job) && (
        <div className="job-progress">
          <Progress job={job} />
          <p>{job.progress?.text ?? NONE}</p>
        </div>
      )}
      {job.error !== null && (
        <div className="notice job-error" role="alert">
          <p>
            <strong>It failed.</strong> {job.error.message}
          </p>
          <p className="quiet">
            Code <code>{job.error.code}</code>
          </p>
        </div>
      )}
      <dl className="facts job-facts">
        <dt>Of</dt>
        <dd>
          <Subject job={job} />
        </dd>
        <dt>Asked for</dt>
        <dd>
          <Moment at={job.createdAt} /> by {job.actor}
          {job.reason !== null && <>: {job.reason}</>}
        </dd>
        <dt>Took</dt>
        <dd>
          {takenText(job, now) ?? NONE}
          {job.endedAt !== null && (
            <>
              , ended <Ago at={job.endedAt} now={now} />
            </>
          )}
          {job.attempts > 1 && <>; begun {job.attempts} times since it last finished a part</>}
        </dd>
        <dt>Job</dt>
        <dd>
          <code className="long">{job.id}</code>
        </dd>
      </dl>
      {hasEnded(job) ? (
        <Found job={job} />
      ) : (
        <div className="job-command">
          <p className="quiet">It goes on when this page is closed. The command line can follow it, too:</p>
          <Command text={`npx slipway job watch ${job.id}`} label="command to follow this job" />
        </div>
      )}
    </>
  );
}

function StateText({ job }: { job: JobView }) {
  switch (job.state) {
    case "queued":
      return <span>{job.hasCheckpoint ? "It waits to go on from what it saved." : "It waits for its turn."}</span>;
    case "running":
      return job.cancelAskedAt === null ? null : <span>It ends within seconds.</span>;
    case "failed":
    case "cancelled":
      return <span>{job.hasCheckpoint ? "It can go on from what it saved." : "It can begin anew."}</span>;
    case "succeeded":
      return null;
  }
}

/** The evidence it kept, as the version's page shows it. */
function Found({ job }: { job: JobView }) {
  const version = versionOf(job);
  const ids = (job.result as { evidence?: readonly string[] } | null)?.evidence ?? [];
  if (version === null || ids.length === 0) return null;
  return <FoundEvidence version={version} ids={ids} />;
}

function FoundEvidence({ version, ids }: { version: { name: string; number: number }; ids: readonly string[] }) {
  const { name, number } = version;
  const { data, error } = useResource(`report of ${name}@${number}`, (signal) =>
    client.getReport({ params: { name, number }, query: {} }, { signal }),
  );
  return (
    <Section
      id="found"
      title="What it found"
      note={countText(ids.length, "measurement")}
      end={<Link href={`${versionPath(name, number)}#evidence`}>All evidence</Link>}
    >
      {error !== null && <Failure error={error} what="The evidence could not be read." />}
      {data !== null &&
        data.evidence
          .filter(({ id }) => ids.includes(id))
          .map((evidence) => (
            <section key={evidence.id} className="kind" aria-labelledby={`kind-${evidence.kind}`}>
              <h3 id={`kind-${evidence.kind}`}>{evidence.kind}</h3>
              <FindingView finding={{ evidence, older: [] }} report={data} />
            </section>
          ))}
    </Section>
  );
}
