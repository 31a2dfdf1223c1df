// Configuration: one schema, and what reads it from flags, environment and file.
export { CONFIG_FILE } from "./file.ts";
export { describeSettings, type SettingKey, type ValueKind } from "./keys.ts";
export {
  type ConfigSources,
  type Configuration,
  type EffectiveValue,
  loadConfiguration,
  settingsFromFlags,
} from "./load.ts";
export {
  DeploymentSettings,
  QueueSettings,
  RuntimeSettings,
  Settings,
} from "./settings.ts";
export { nearest } from "./suggest.ts";
export { durationFromText, textFromValue } from "./values.ts";
