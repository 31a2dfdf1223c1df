// Long tasks: kept, carried out one after the other, resumed after whatever ended them. What carries one out is given a
// JobRun.
export { type Job, type JobBlob, type JobFilter, JOB_STATES, type JobState, type NewJob } from "./job.ts";
export { JobBook, type JobBookOptions } from "./job-book.ts";
export { type JobProgress, type JobRun, unsavedRun } from "./job-run.ts";
