// Passes over stored models, with the help of the engine that will run them.
export { type AppliedPasses, applyPassesInProcess, type ApplyPassesOptions } from "./apply.ts";
export { answerOrder, askAboutModel, type LocatedFiles, type ModelQuestion } from "./ask-about-model.ts";
export { channelBlockOf } from "./channel-block.ts";
export type { OutputDifference } from "./compare-answers.ts";
export { createPassEngine, type EngineOptions } from "./engine.ts";
export { fastFormOf } from "./fast-form.ts";
