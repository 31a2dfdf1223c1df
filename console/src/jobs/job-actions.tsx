// What can be done to a job: cancelled while it waits or runs, resumed once it failed or was cancelled.
import { useState } from "react";
import { client, type JobView } from "../api.ts";
import { Confirm } from "../parts/confirm.tsx";
import { hasEnded, jobTitle } from "./job-text.ts";

interface JobActionsProps {
  readonly job: JobView;
  readonly onChanged: () => void;
  readonly look?: "small";
}

export function JobActions({ job, onChanged, look }: JobActionsProps) {
  const [act, setAct] = useState<"cancel" | "resume" | null>(null);
  const close = (): void => setAct(null);
  const button = look === undefined ? "button" : `button ${look}`;
  const params = { id: job.id };
  const which = <span className="hidden-visually"> job {job.id}</span>;
  const after = <T,>(change: Promise<T>): Promise<void> => change.then(onChanged);
  return (
    <>
      {!hasEnded(job) && (
        <button
          type="button"
          className={look === undefined ? `${button} danger` : button}
          disabled={job.cancelAskedAt !== null}
          onClick={() => setAct("cancel")}
        >
          Cancel{which}
        </button>
      )}
      {(job.state === "failed" || job.state === "cancelled") && (
        <button type="button" className={button} onClick={() => setAct("resume")}>
          Resume{which}
        </button>
      )}
      {act === "cancel" && (
        <Confirm
          title={`Cancel ${jobTitle(job)} of ${job.subject}?`}
          action="Cancel the job"
          doing="Cancelling…"
          tone="danger"
          keep="Let it go on"
          run={() => after(client.cancelJob({ params, body: { reason: null } }))}
          onClose={close}
        >
          <p>It ends within seconds. What it has found so far stays, and it can be resumed from there.</p>
        </Confirm>
      )}
      {act === "resume" && (
        <Confirm
          title={`Resume ${jobTitle(job)} of ${job.subject}?`}
          action="Resume"
          doing="Queueing…"
          run={() => after(client.resumeJob({ params, body: { reason: null } }))}
          onClose={close}
        >
          <p>
            It is queued again
            {job.hasCheckpoint ? " and goes on from what it had saved." : ". It had saved nothing, so it begins anew."}
          </p>
        </Confirm>
      )}
    </>
  );
}
