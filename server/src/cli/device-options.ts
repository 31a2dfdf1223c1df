// Devices and needs as people name them on the command line: a known device or a profile's file, and rates such as 20/s.
import { SlipwayError } from "@slipway/core/base";
import { BUILT_IN_DEVICES, type DeviceProfile, deviceProfileFrom, type Needs } from "#lab/measure";
import { type CommandContext, listOption, type OptionFact, textOption } from "./command.ts";
import { readNamedFile } from "./files.ts";
import { durationOption } from "./option-values.ts";

export const DEVICE_NAMES: readonly string[] = ["this-machine", ...Object.keys(BUILT_IN_DEVICES)];

export const DEVICE_OPTION: OptionFact = {
  flags: "--device <name or file>",
  description: `A device (${DEVICE_NAMES.join(", ")}) or a profile's .json; all that are known if left out`,
  isList: true,
};

/** Whole profiles are a few kilobytes. */
const LARGEST_PROFILE_BYTES = 2 ** 20;

/** What `fit` takes of devices. @throws SlipwayError USAGE, FILE_UNREADABLE, PARAMETER_INVALID */
export async function devicesFrom(
  context: CommandContext,
): Promise<{ readonly devices: string[]; readonly profiles: DeviceProfile[] }> {
  const named = listOption(context.options, "device");
  if (named.length === 0) return { devices: [...DEVICE_NAMES], profiles: [] };
  const devices = named.filter((name) => DEVICE_NAMES.includes(name));
  const profiles: DeviceProfile[] = [];
  for (const file of named) {
    if (DEVICE_NAMES.includes(file)) continue;
    if (!file.endsWith(".json")) {
      throw new SlipwayError(
        "USAGE",
        `--device ${JSON.stringify(file)} is no device that is known (${DEVICE_NAMES.join(", ")}) and no profile's .json.`,
      );
    }
    profiles.push(deviceProfileFrom(await jsonFrom(context, file), file));
  }
  return { devices, profiles };
}

async function jsonFrom({ environment }: CommandContext, file: string): Promise<unknown> {
  const bytes = await readNamedFile(environment.workingDirectory, file);
  const wrong = (what: string) => new SlipwayError("PARAMETER_INVALID", `${file} is no device profile: ${what}.`);
  if (bytes.byteLength > LARGEST_PROFILE_BYTES) {
    throw wrong(`it has ${bytes.byteLength} bytes, and profiles have at most ${LARGEST_PROFILE_BYTES}`);
  }
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw wrong(`it can't be read as JSON, ${(error as Error).message}`);
  }
}

export const NEED_OPTIONS: readonly OptionFact[] = [
  { flags: "--p99 <duration>", description: "An answer is wanted within it, 99 times of 100; none if left out" },
  { flags: "--private", description: "Inputs must stay on the device they arise on" },
  {
    flags: "--updates <rate>",
    description: "How often the model is replaced: hourly, daily, weekly, monthly, yearly, never, or 3/week",
  },
  { flags: "--volume <rate>", description: "Requests of all users together: 20/s, 5000/h, 1000000/day" },
];

/** @throws SlipwayError USAGE */
export function needsFrom({ options }: Pick<CommandContext, "options">): Needs {
  const updates = textOption(options, "updates");
  const volume = textOption(options, "volume");
  const p99Ms = durationOption(options, "p99", 0);
  return {
    p99Ms: p99Ms === 0 ? null : p99Ms,
    isPrivate: options["private"] === true,
    updatesPerDay: updates === undefined ? null : updatesPerDay(updates),
    requestsPerSecond: volume === undefined ? null : ratePerSecond("volume", volume, "20/s"),
  };
}

const DAY_SECONDS = 86_400;
const WORDS: Readonly<Record<string, number>> = {
  never: 0,
  yearly: 1 / 365,
  monthly: 12 / 365,
  weekly: 1 / 7,
  daily: 1,
  hourly: 24,
};
const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  min: 60,
  h: 3600,
  d: DAY_SECONDS,
  day: DAY_SECONDS,
  week: 7 * DAY_SECONDS,
  month: (365 / 12) * DAY_SECONDS,
  year: 365 * DAY_SECONDS,
};

function updatesPerDay(text: string): number {
  return Object.hasOwn(WORDS, text) ? WORDS[text]! : ratePerSecond("updates", text, "weekly, or 3/week") * DAY_SECONDS;
}

function ratePerSecond(option: string, text: string, example: string): number {
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,6})?)\/([a-z]+)$/.exec(text) ?? [];
  if (number !== undefined && Object.hasOwn(UNIT_SECONDS, unit!)) return Number(number) / UNIT_SECONDS[unit!]!;
  const units = Object.keys(UNIT_SECONDS).join(", ");
  throw new SlipwayError("USAGE", `--${option} is "${text}"; write it as ${example}. Units are ${units}.`);
}
