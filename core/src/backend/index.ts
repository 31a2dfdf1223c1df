// Engines that run models: the interface, the reference engine, and the suite each implementation must pass.
export {
  type Backend,
  DEFAULT_SESSION_SETTINGS,
  type ModelBytes,
  type Session,
  type SessionSettings,
} from "./backend.ts";
