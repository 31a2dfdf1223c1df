// What a running model takes of the machine: memory and processor time of its process, while it is run as it is served.
export { forgetPeak, type ProcessMemory, processMemory, processorSeconds } from "./process-facts.ts";
export { pause, type ServedRuns, servedRuns } from "./served-runs.ts";
