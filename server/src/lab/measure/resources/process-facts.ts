// What the system says of another process: the memory it holds and the processor time it took. Linux tells it in /proc, to
// anyone; elsewhere a runner's own report is all there is.
import { readFileSync, writeFileSync } from "node:fs";

export interface ProcessMemory {
  /** In physical memory now, pages it shares with others counted in full (VmRSS). */
  readonly residentBytes: number;
  /** The most that ever was, since the process began or `forgetPeak` (VmHWM); null where it is not told. */
  readonly peakBytes: number | null;
  /** As resident, but shared pages divided among those that share them (PSS); null where it may not be read. */
  readonly proportionalBytes: number | null;
}

const PROC = "/proc";
/** `clear_refs` takes it to set the peak back to what is resident (proc(5)). */
const RESET_PEAK = "5";
/** /proc counts processor time in hundredths of a second on every architecture Linux shows to programs (USER_HZ). */
const TICKS_PER_SECOND = 100;

/**
 * @param directory in place of /proc, for tests
 * @returns null where the process is gone, or the system has no /proc
 */
export function processMemory(pid: number, directory: string = PROC): ProcessMemory | null {
  const status = textOf(`${directory}/${pid}/status`);
  const residentBytes = kilobytesIn(status, "VmRSS");
  if (residentBytes === null) return null;
  return {
    residentBytes,
    peakBytes: kilobytesIn(status, "VmHWM"),
    proportionalBytes: kilobytesIn(textOf(`${directory}/${pid}/smaps_rollup`), "Pss"),
  };
}

/** Begins the peak anew. Answers whether the system let us. */
export function forgetPeak(pid: number, directory: string = PROC): boolean {
  try {
    writeFileSync(`${directory}/${pid}/clear_refs`, RESET_PEAK);
    return true;
  } catch {
    return false;
  }
}

/** Seconds of processor time all threads of a process took since it began; null where it is not told. */
export function processorSeconds(pid: number, directory: string = PROC): number | null {
  // The program's name may hold anything; fields are counted from behind it (proc_pid_stat(5): 14 is utime, 15 is stime).
  const text = textOf(`${directory}/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return text === "" || !Number.isFinite(user + system) ? null : (user + system) / TICKS_PER_SECOND;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

function kilobytesIn(text: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text);
  return found === null ? null : Number(found[1]) * 1024;
}
