// Engines that run models: the interface, the reference engine, and the suite each implementation must pass.
export {
  type Backend,
  DEFAULT_SESSION_SETTINGS,
  type ModelBytes,
  type Session,
  type SessionSettings,
} from "./backend.ts";
export {
  CONFORMANCE_CASES,
  type ConformanceCase,
  type ConformanceContext,
  type ConformanceSkips,
} from "./conformance.ts";
export { createReferenceBackend } from "./reference.ts";
