// Options that are numbers and durations, read the same way by every command that takes them.
import { SlipwayError } from "@slipway/core/base";
import { durationFromText } from "#config";
import { type CommandOptions, textOption } from "./command.ts";

const LONGEST_MS = 86_400_000;

/**
 * An option's number, or undefined where it was not given.
 * @throws SlipwayError USAGE
 */
export function numberOption(options: CommandOptions, name: string, min: number, max: number): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw new SlipwayError("USAGE", `--${flagOf(name)} is "${text}"; it must be a number from ${min} to ${max}.`);
}

/**
 * A whole number, or undefined where it was not given.
 * @throws SlipwayError USAGE
 */
export function wholeOption(options: CommandOptions, name: string, min: number, max: number): number | undefined {
  const value = numberOption(options, name, min, max);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new SlipwayError(
    "USAGE",
    `--${flagOf(name)} is "${textOption(options, name)}"; it must be a whole number from ${min} to ${max}.`,
  );
}

/**
 * An option's duration in milliseconds, or `otherwise` where it was not given.
 * @throws SlipwayError USAGE
 */
export function durationOption(options: CommandOptions, name: string, otherwise: number): number {
  const text = textOption(options, name);
  if (text === undefined) return otherwise;
  const value = durationFromText(text);
  if (value !== undefined && value <= LONGEST_MS) return value;
  throw new SlipwayError(
    "USAGE",
    `--${flagOf(name)} is "${text}"; it must be a duration such as 30s, at most ${LONGEST_MS / 3_600_000}h.`,
  );
}

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
