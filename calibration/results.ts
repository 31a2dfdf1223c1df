// The kept result as a table of docs/statistics.md, and the same while it runs.
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Outcome } from "./calibration.ts";

/** A run as it is kept. It depends on its command alone: neither on the machine nor on the date. */
export interface KeptCalibration {
  readonly command: string;
  readonly outcomes: readonly Outcome[];
}

export const KEPT = path.join(import.meta.dirname, "results", "calibration.json");

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** The cells of one row: method, truth, nominal, exact, simulated with its error, allowed. */
export function cells({ method, truth, nominal, exact, simulated, error, bounds }: Outcome): readonly string[] {
  const [low, high] = bounds;
  const allowed =
    low === high
      ? percent(low)
      : low === 0
        ? `≤ ${percent(high)}`
        : high === 1
          ? `≥ ${percent(low)}`
          : `${percent(low)} – ${percent(high)}`;
  return [
    method,
    truth,
    percent(nominal),
    exact === null ? "–" : percent(exact),
    `${percent(simulated)} ± ${percent(error)}`,
    allowed,
  ];
}

export const HEAD = ["method", "truth", "nominal", "exact", "simulated ± error", "allowed"] as const;

/** The kept result, in Markdown. */
export function calibrationTable(): string {
  const { command, outcomes } = JSON.parse(readFileSync(KEPT, "utf8")) as KeptCalibration;
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const table = (measures: Outcome["measures"]) =>
    [
      line(HEAD),
      `|${"---|".repeat(HEAD.length)}`,
      ...outcomes.filter((one) => one.measures === measures).map((one) => line(cells(one))),
    ].join("\n");
  return [
    `\`${command}\`; ${outcomes[0]!.trials} trials of each row.`,
    "How often intervals cover:",
    table("coverage"),
    "How often tests are wrong:",
    table("error"),
  ].join("\n\n");
}
