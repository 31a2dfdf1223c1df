// What is being done to a version now; when a job ends, what is known of the version is read again.
import { useEffect, useRef } from "react";
import { client } from "../api.ts";
import { hasEnded } from "../jobs/job-text.ts";
import { JobTable } from "../jobs/jobs.tsx";
import { Section } from "../parts/section.tsx";
import { useFollowed } from "../resource.ts";

const PERIOD_MS = 3000;

interface VersionJobsProps {
  /** As `digits@2`. */
  readonly subject: string;
  readonly now: number;
  readonly onEnded: () => void;
}

export function VersionJobs({ subject, now, onEnded }: VersionJobsProps) {
  const query = { subject, limit: 20 };
  const { data, reload } = useFollowed(
    `jobs ${JSON.stringify(query)}`,
    (signal) => client.listJobs({ query }, { signal }),
    { periodMs: PERIOD_MS, isFollowed: () => true },
  );
  const open = data?.filter((job) => !hasEnded(job)) ?? [];
  const ended =
    data
      ?.filter(hasEnded)
      .map(({ id }) => id)
      .join() ?? null;
  const known = useRef<string | null>(null);
  useEffect(() => {
    if (known.current !== null && ended !== null && ended !== known.current) onEnded();
    known.current = ended ?? known.current;
  }, [ended, onEnded]);
  if (open.length === 0) return null;
  return (
    <Section id="jobs" title="Jobs" note="being done now">
      <JobTable jobs={open} now={now} onChanged={reload} />
    </Section>
  );
}
