// Running models: the ONNX Runtime back end, runner processes, the frames between them and the server, their limits.
export { ChannelChild, type ChannelScript, errorFromFailure, type Failure } from "./channel-child.ts";
export { askContained, type ContainedAnswer, type ContainedQuestion } from "./ask-contained.ts";
export { type ContainedScript, startContainedScript } from "./contained-child.ts";
export { containmentOf, type ContainmentNeeds } from "./containment.ts";
export type { LoadedModel } from "./control.ts";
export { createExecutor, type ExecutorOptions, fingerprintWith, sessionSettingsFrom } from "./create-executor.ts";
export type { Crew } from "./crew.ts";
export type { Verdict } from "./dispatcher.ts";
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
export { LinkedExecutor } from "./linked-executor.ts";
export { LinkSocket } from "./link-socket.ts";
export { LongTurns } from "./long-turns.ts";
export { locateModelFiles, type ModelFile, type ModelFiles, readModelFiles } from "./model-files.ts";
export { createOnnxRuntimeBackend, loadProfiled, type ProfiledSession } from "./onnxruntime.ts";
export type { RunnerHandle } from "./runner-handle.ts";
export type { RunnerLink } from "./runner-link.ts";
export { FREE_AXIS_LENGTHS, sampleInputs } from "./sample-inputs.ts";
export { systemClock } from "./system-clock.ts";
export { planThreads, type ThreadPlan } from "./thread-plan.ts";
export { watchParent } from "./watch-parent.ts";
