// The steps before and after a model, declared as data and run the same on servers, in batches and in browsers.
export type { RecordAnswer } from "./answer.ts";
export { type CompiledProcessing, compileProcessing } from "./compile.ts";
export { jsonFromElement, type JsonValue } from "./elements.ts";
export type { InputRecord } from "./inputs.ts";
export { tensorFromNested } from "./nested.ts";
export {
  type AfterStep,
  type BeforeStep,
  type CropStep,
  type DecodeImageStep,
  type FitContentStep,
  type InvertStep,
  type LabelsStep,
  type LayoutStep,
  NO_PROCESSING,
  type NormaliseStep,
  parseProcessing,
  type Processing,
  type ReshapeStep,
  type ResizeStep,
  type ScaleStep,
  type SoftmaxStep,
} from "./schema.ts";
export type { LabelScore } from "./steps/labels.ts";
export { secondsOfTime } from "./time.ts";
