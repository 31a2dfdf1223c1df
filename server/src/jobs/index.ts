// Long tasks: kept, carried out one after the other, resumed after whatever ended them. What carries one out is given a
// JobRun.
export { hasEnded, type Job, type JobBlob, type JobFilter, JOB_STATES, type JobState, type NewJob } from "./job.ts";
export { JobBook, type JobBookOptions } from "./job-book.ts";
export { carryOutInProcess } from "./job-process.ts";
export { type JobCarrier, type JobKind, JobQueue, type JobQueueOptions } from "./job-queue.ts";
export { type JobProgress, type JobRun, unsavedRun } from "./job-run.ts";
export { serveJob, type TaskRun, type Work } from "./serve-job.ts";
