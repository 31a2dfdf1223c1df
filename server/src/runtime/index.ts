// Running models: the ONNX Runtime back end, runner processes, the frames between them and the server, their limits.
export type {
  BatchingPlan,
  CancelRun,
  Executor,
  ExecutorState,
  ExecutorStatus,
  RunnerDeath,
  RunnerStatus,
  RunOutcome,
  RunRequest,
  RunTimes,
} from "./executor.ts";
