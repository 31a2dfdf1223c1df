// Running models: the ONNX Runtime back end, runner processes, the frames between them and the server, their limits.
export { createExecutor, type ExecutorOptions } from "./create-executor.ts";
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
export { ImagePreparer, type PrepareOptions } from "./images/preparer.ts";
export type { ModelFile, ModelFiles } from "./model-files.ts";
export { createOnnxRuntimeBackend } from "./onnxruntime.ts";
export { systemClock } from "./system-clock.ts";
export { planThreads, type ThreadPlan } from "./thread-plan.ts";
