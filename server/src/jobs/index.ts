// Long tasks: what carries one out is given a JobRun.
export { type JobProgress, type JobRun, unsavedRun } from "./job-run.ts";
