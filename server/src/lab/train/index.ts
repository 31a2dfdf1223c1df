// Training: rows to a network that is served, by steps that ONNX Runtime takes.
export type { Baseline } from "./baselines.ts";
export type { EpochPoint } from "./checkpoint.ts";
export type { Figures } from "./figures.ts";
export { fit, type FitData, type FitPlan, type FitProgress, type FitRun, type Fitted } from "./fit.ts";
export { createLearner, type Learner, type LearnerOptions } from "./learner.ts";
export { type NetworkOrder, SCHEDULES, TrainOrder } from "./order.ts";
export { TASK_KINDS, type Task } from "./task.ts";
export {
  describeRows,
  type RunRecord,
  train,
  type Trained,
  type TrainPorts,
  type TrainRun,
  type TrainState,
} from "./train.ts";
export { type TrainingSet, trainingSetFromArrays } from "./training-set.ts";
