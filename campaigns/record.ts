// Kept results, as those of the benchmarks: what was done, with which command, on which machine and commit.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { resultOf } from "../bench/record.ts";
import type { Figures } from "./campaign.ts";

const root = path.resolve(import.meta.dirname, "..");

/** Writes a result and answers its path; `command` is what makes it again, `startedAt` when it began. */
export async function keepResult(name: string, command: string, startedAt: Date, figures: Figures): Promise<string> {
  const { machine, versions, commit, at } = resultOf(name, null);
  const { isPinned: _, ...place } = machine;
  const result = {
    schemaVersion: 1,
    campaign: name,
    command,
    startedAt: startedAt.toISOString(),
    endedAt: at,
    commit,
    machine: place,
    versions,
    figures,
  };
  const directory = path.join(import.meta.dirname, "results");
  const file = path.join(directory, `${at.slice(0, 10)}-${name}.json`);
  await mkdir(directory, { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  return path.relative(root, file);
}
