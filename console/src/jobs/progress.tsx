// How far a job is: a bar, and what it does in its own words.
import type { JobView } from "../api.ts";
import { shareDone } from "./job-text.ts";
import "./jobs.css";

export function Progress({ job }: { job: JobView }) {
  const share = shareDone(job);
  const percent = share === null ? null : Math.floor(100 * share);
  return (
    <span className="progress">
      <span
        className="progress-bar"
        role="progressbar"
        aria-label={`Progress of job ${job.id}`}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(percent === null ? {} : { "aria-valuenow": percent })}
      >
        <span style={{ width: `${percent ?? 0}%` }} />
      </span>
      <span className="progress-share">{percent === null ? "" : `${percent} %`}</span>
    </span>
  );
}
