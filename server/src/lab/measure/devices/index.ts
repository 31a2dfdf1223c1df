// Devices a model may be put on: what is known of them, how a model would do there, and where it is best put.
export { BUILT_IN_DEVICES, type BuiltInDevice, BUSY_CORE, POWER_FACTOR } from "./built-in.ts";
export { DEVICE_PROFILE, type DeviceProfile, deviceProfileFrom } from "./device-profile.ts";
export { estimateLatency, type LatencyEstimate } from "./estimate.ts";
export {
  type DeviceFit,
  type FitCheck,
  type FitModel,
  fitOf,
  type FitQuestion,
  type FitVerdict,
  verdictOf,
  worstOf,
} from "./fit.ts";
export { measureDevice } from "./measure-device.ts";
export { advise, type Advice, checkText, type Needs, type Place, type PlaceAdvice } from "./place.ts";
