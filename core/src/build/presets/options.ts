// Checks of what presets are asked for by those whose code no compiler sees.
import { nearestWords, SlipwayError } from "#base";

/** Whether each option must be said. */
export type OptionTable<T> = { readonly [K in keyof T]-?: object extends Pick<T, K> ? "optional" : "needed" };

/**
 * Refuses options a preset does not have, and those it needs and was not given.
 * @throws SlipwayError NETWORK_INVALID
 */
export function checkOptions<T extends object>(preset: string, options: T, table: OptionTable<T>): void {
  const known = Object.keys(table);
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(table, option)) continue;
    const near = nearestWords(option, known, 1)[0];
    const meant = near === undefined ? "there" : `did you mean '${near}'? There`;
    throw invalid(`${preset} has no option '${option}'; ${meant} are ${known.join(", ")}.`);
  }
  const given = new Map<string, unknown>(Object.entries(options));
  for (const [option, need] of Object.entries(table)) {
    if (need === "needed" && given.get(option) === undefined) throw invalid(`${preset} needs the option '${option}'.`);
  }
}

/** Refuses what is no list of widths. */
export function widthsOf(preset: string, option: string, widths: readonly number[]): readonly number[] {
  if (Array.isArray(widths)) return widths;
  throw invalid(`The option ${option} of ${preset} is ${String(widths)}; give a list of numbers.`);
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("NETWORK_INVALID", message);
}
