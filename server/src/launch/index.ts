// A version goes live: load, switch, remember; and all come back at start.
export { Launcher, type LauncherPorts, type LaunchOrder } from "./launcher.ts";
export { labelledRows, type StoredRows } from "./labelled-rows.ts";
export { storedFiles } from "./stored-files.ts";
export { serveRepository } from "./repository.ts";
export { processingOf, ServedProcessing } from "./served-processing.ts";
