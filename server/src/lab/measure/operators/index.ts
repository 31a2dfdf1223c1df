// Where the time of a run goes: profiling in a contained process, reading the trace, saying it in words.
export { describeProfile } from "./describe.ts";
export { profileInProcess, type ProfileOptions, type ProfileReport } from "./profile-process.ts";
export { type Profile, type ProfiledNode, type ProfiledOperator, profileFromTrace, type TraceEvent } from "./trace.ts";
