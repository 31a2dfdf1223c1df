// Configuration: one schema, and what reads it from flags, environment and file.
export {
  DeploymentSettings,
  LogSettings,
  QueueSettings,
  RuntimeSettings,
  ServerSettings,
  Settings,
} from "./settings.ts";
