// Energy counters of the processor: RAPL ("running average power limit") as Linux shows it under /sys/class/powercap, for
// Intel since Sandy Bridge and AMD since Zen (Linux 5.8). Since CVE-2020-8694 only root may read them by default.
import { readdirSync, readFileSync } from "node:fs";

const POWERCAP = "/sys/class/powercap";
/** A package is a processor's socket; its cores and its "uncore" are within it and would be counted twice. */
const PACKAGE = /^package-\d+$/;
/** Memory is outside its package. */
const MEMORY = "dram";
const ZONE = /^intel-rapl(-mmio)?:\d+$/;
const SUBZONE = /^intel-rapl(-mmio)?:\d+:\d+$/;

interface Zone {
  readonly file: string;
  readonly name: string;
  /** Past it the counter begins at 0 again. */
  readonly rangeUj: number;
  lastUj: number;
}

/** What the machine's packages and their memory took, since it was opened. */
export class RaplMeter {
  /** "package-0, dram". */
  readonly name: string;
  readonly #zones: readonly Zone[];
  #totalUj = 0;

  constructor(zones: readonly Zone[]) {
    this.#zones = zones;
    this.name = zones.map(({ name }) => name).join(", ");
  }

  /**
   * Joules since the meter was opened. A counter that wrapped since the last call is understood; one that wrapped twice is
   * not, so call it every few minutes (a range of 65 kJ lasts four at 250 W).
   * @throws Error where a counter can no longer be read
   */
  joules(): number {
    for (const zone of this.#zones) {
      const now = numberFrom(zone.file);
      this.#totalUj += now >= zone.lastUj ? now - zone.lastUj : now + zone.rangeUj - zone.lastUj;
      zone.lastUj = now;
    }
    return this.#totalUj / 1e6;
  }
}

/**
 * The machine's meter, or why there is none.
 * @param directory in place of /sys/class/powercap, for tests
 */
export function openRapl(directory: string = POWERCAP): RaplMeter | { readonly reason: string } {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch {
    return { reason: `no counters of energy are shown to this system (there is no ${directory})` };
  }
  const zones: Zone[] = [];
  let unreadable: string | null = null;
  // A package may be shown twice, by its registers and by memory-mapped ones; the first counts.
  const seen = new Set<string>();
  for (const name of [...names].sort(byInterface)) {
    if (!ZONE.test(name) && !SUBZONE.test(name)) continue;
    const label = labelOf(directory, name, names);
    if (label === null || seen.has(label.key)) continue;
    const file = `${directory}/${name}/energy_uj`;
    try {
      const rangeUj = numberFrom(`${directory}/${name}/max_energy_range_uj`);
      zones.push({ file, name: label.name, rangeUj, lastUj: numberFrom(file) });
      seen.add(label.key);
    } catch {
      unreadable = file;
    }
  }
  if (zones.some(({ name }) => PACKAGE.test(name))) return new RaplMeter(zones);
  if (unreadable !== null) return { reason: `${unreadable} can't be read; by default only root may` };
  return { reason: `${directory} has no package that counts its energy` };
}

/** What a zone counts, if it is one that is summed. */
function labelOf(
  directory: string,
  zone: string,
  all: readonly string[],
): { readonly name: string; readonly key: string } | null {
  const name = textFrom(`${directory}/${zone}/name`);
  if (ZONE.test(zone)) return name !== null && PACKAGE.test(name) ? { name, key: name } : null;
  const parent = zone.slice(0, zone.lastIndexOf(":"));
  if (name !== MEMORY || !all.includes(parent)) return null;
  const package_ = textFrom(`${directory}/${parent}/name`);
  return package_ === null || !PACKAGE.test(package_) ? null : { name, key: `${package_}/${name}` };
}

function byInterface(a: string, b: string): number {
  return Number(a.startsWith("intel-rapl-mmio")) - Number(b.startsWith("intel-rapl-mmio")) || a.localeCompare(b);
}

function textFrom(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return null;
  }
}

function numberFrom(file: string): number {
  const text = readFileSync(file, "utf8").trim();
  if (!/^\d+$/.test(text)) throw new Error(`${file} holds ${JSON.stringify(text)} and no number of microjoules.`);
  return Number(text);
}
