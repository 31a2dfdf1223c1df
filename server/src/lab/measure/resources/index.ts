// What a running model takes of the machine: memory, processor time and energy, while it is run as it is served.
export { type EnergyWindow, watchEnergy } from "./energy-windows.ts";
export { forgetPeak, type ProcessMemory, processMemory, processorSeconds } from "./process-facts.ts";
export { openRapl, RaplMeter } from "./rapl.ts";
export { pause, type ServedRuns, servedRuns } from "./served-runs.ts";
