// The command line: `slipway COMMAND …`, from arguments to an exit code.
export { runCli } from "./run.ts";
export type { OfflineStore, Platform, RunningServer, ServerLocation, StartOptions } from "./platform.ts";
export { processTerminal, type Terminal } from "./terminal.ts";
