// Kept results: what held by route and method, what differed, with what and where; and perf_analyzer's own report beside it.
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Result } from "../bench/record.ts";
import type { Outcome } from "./cases.ts";
import type { PerfRun } from "./perf-analyzer.ts";

const FOLDER = path.join(import.meta.dirname, "results");

/** Route → client and method → how many cases held, of how many. */
type Counts = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface KeptResult extends Pick<Result, "command" | "at" | "commit" | "machine"> {
  readonly schemaVersion: 1;
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: Counts;
  /** Outcomes that differ from the reference's; null where it was not asked. */
  readonly differences: readonly object[] | null;
  /** Cases the reference is not asked, and why. */
  readonly unasked: Readonly<Record<string, string>>;
  readonly perfAnalyzer: readonly PerfRun[];
}

export function countsOf(outcomes: readonly Outcome[]): Counts {
  const counts: Record<string, Record<string, [held: number, all: number]>> = {};
  for (const { route, client, method, ok } of outcomes) {
    const count = ((counts[route] ??= {})[`${client} ${method}`] ??= [0, 0]);
    count[0] += ok ? 1 : 0;
    count[1] += 1;
  }
  const texts = (ofRoute: Record<string, [number, number]>) =>
    Object.fromEntries(Object.entries(ofRoute).map(([name, [held, all]]) => [name, `${held} of ${all}`]));
  return Object.fromEntries(Object.entries(counts).map(([route, ofRoute]) => [route, texts(ofRoute)]));
}

/** Cases the reference is not asked, each once, with the reason. */
export function unaskedOf(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(
    outcomes.flatMap(({ case: name, oursOnly }) => (oursOnly === undefined ? [] : [[name, oursOnly]])),
  );
}

/** Writes a result and perf_analyzer's report under the day's name, and answers the result's path. */
export async function keepResult(result: KeptResult, perfText: string): Promise<string> {
  const day = result.at.slice(0, 10);
  await mkdir(FOLDER, { recursive: true });
  if (perfText !== "") await writeFile(path.join(FOLDER, `${day}-perf-analyzer.txt`), perfText);
  await writeFile(path.join(FOLDER, `${day}.json`), `${JSON.stringify(result, null, 2)}\n`);
  return `conformance/results/${day}.json`;
}

/** The result of the latest day. */
export function newestResult(): KeptResult {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  return JSON.parse(readFileSync(path.join(FOLDER, files.toSorted().at(-1)!), "utf8")) as KeptResult;
}
