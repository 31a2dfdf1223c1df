// Every job there is, newest first, as it stands now.
import { client, type JobView } from "../api.ts";
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
import { jobPath, useQueryParameter, versionPath } from "../router.ts";
import { JobActions } from "./job-actions.tsx";
import { hasEnded, jobState, jobTitle, takenText, versionOf } from "./job-text.ts";
import { Progress } from "./progress.tsx";
import "../activity/activity.css";

const LIMIT = 100;
const PERIOD_MS = 2000;
const STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;

export function Jobs() {
  const [asked, setState] = useQueryParameter("state");
  const [subject, setSubject] = useQueryParameter("subject");
  const state = STATES.find((one) => one === asked);
  const { status } = useFeed();
  const query = { limit: LIMIT, ...(state === undefined ? {} : { state }), ...(subject === null ? {} : { subject }) };
  const { data, error, reload } = useFollowed(
    `jobs ${JSON.stringify(query)}`,
    (signal) => client.listJobs({ query }, { signal }),
    // Another may be started elsewhere at any time.
    { periodMs: PERIOD_MS, isFollowed: () => true },
  );
  const isFiltered = state !== undefined || subject !== null;
  return (
    <>
      <PageTitle title="Jobs" />
      <p className="lead">
        Long tasks, such as measuring. One is carried out at a time, in a process of its own; what it has found stays,
        whatever ends it.
      </p>
      <div className="jobs-filter">
        <div className="tabs" role="group" aria-label="Only jobs that are">
          <button type="button" aria-pressed={state === undefined} onClick={() => setState(null)}>
            All
          </button>
          {STATES.map((one) => (
            <button key={one} type="button" aria-pressed={state === one} onClick={() => setState(one)}>
              {one}
            </button>
          ))}
        </div>
        {subject !== null && (
          <p>
            Only of <b>{subject}</b>{" "}
            <button type="button" className="button small" onClick={() => setSubject(null)}>
              Show all
            </button>
          </p>
        )}
      </div>
      {error !== null && <Failure error={error} what="The jobs could not be read." />}
      {data?.length === 0 && <NoJobs isFiltered={isFiltered} />}
      {data !== null && data.length > 0 && <JobTable jobs={data} now={status?.now ?? Date.now()} onChanged={reload} />}
      {data?.length === LIMIT && <p className="more quiet">Only the newest {LIMIT} are shown.</p>}
    </>
  );
}

function NoJobs({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <p className="quiet">No job is like that.</p>;
  return (
    <div className="empty">
      <p>
        Nothing was started yet. A version&rsquo;s page under <Link href="/models">Models</Link> has a button that
        measures it, and so has the command line:
      </p>
      <Command text="npx slipway measure my-model" label="command to measure a version" />
    </div>
  );
}

interface JobTableProps {
  readonly jobs: readonly JobView[];
  readonly now: number;
  readonly onChanged: () => void;
}

export function JobTable({ jobs, now, onChanged }: JobTableProps) {
  return (
    <Table
      caption="Jobs, newest first"
      look="jobs"
      columns={[
        { title: "Job", look: "wide" },
        { title: "Of", look: "nowrap" },
        "State",
        { title: "Progress", look: "job-how" },
        { title: "Asked for", look: "number secondary" },
        { title: "Took", look: "number secondary" },
        { title: "By", look: "secondary" },
        { title: "Change it", isHidden: true },
      ]}
    >
      {jobs.map((job) => (
        <tr key={job.id}>
          <th scope="row">
            <Link href={jobPath(job.id)}>{jobTitle(job)}</Link>
          </th>
          <td className="nowrap">
            <Subject job={job} />
          </td>
          <td>
            <StateMark state={jobState(job)} />
          </td>
          <td>
            {hasEnded(job) ? (
              <span className="quiet">{job.error?.code ?? ""}</span>
            ) : (
              job.state === "running" && <Progress job={job} />
            )}
          </td>
          <td className="number secondary">
            <Ago at={job.createdAt} now={now} />
          </td>
          <td className="number secondary">{takenText(job, now) ?? NONE}</td>
          <td className="secondary">{job.actor}</td>
          <td className="number">
            <JobActions job={job} onChanged={onChanged} look="small" />
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function Subject({ job }: { job: JobView }) {
  const version = versionOf(job);
  if (version === null) return job.subject;
  return <Link href={versionPath(version.name, version.number)}>{job.subject}</Link>;
}
