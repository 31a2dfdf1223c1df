// The kept results as a table of docs/reliability.md, so that the page can't say anything else than was kept.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Percentiles } from "./campaign.ts";

interface KeptResult {
  readonly campaign: string;
  readonly command: string;
  readonly endedAt: string;
  readonly commit: string | null;
  readonly machine: { readonly cpu: string; readonly cores: number };
  // oxlint-disable-next-line typescript/no-explicit-any -- what a campaign kept is read by the line below that is its own
  readonly figures: any;
}

type Counts = Readonly<Record<string, number>>;

const RESULTS = path.join(import.meta.dirname, "results");
const count = (value: number): string => value.toLocaleString("en").replaceAll(",", " ");
const counts = (values: Counts): string =>
  Object.entries(values)
    .map(([name, value]) => `${count(value)} ${name}`)
    .join(", ");
const ms = ({ p50, p99 }: Percentiles): string => `p50 ${p50} ms, p99 ${p99} ms`;
const mib = (bytes: number | null): string => (bytes === null ? "unknown" : `${Math.round(bytes / 2 ** 20)} MiB`);

/** What came of each campaign, in words. */
const OUTCOMES: Readonly<Record<string, (figures: KeptResult["figures"]) => string>> = {
  "kill-server": ({ kills, killedWhile, versions, answers }) =>
    `${count(kills)} kills (${counts(killedWhile as Counts)}); ${count(versions)} versions, ${count(answers)} answers; nothing lost, nothing left`,
  "kill-runners": ({ single, double }) =>
    [
      ["one runner", single],
      ["two runners", double],
    ]
      .map(
        ([what, one]) =>
          `${what}: ${one.kills} kills, requests ${counts(one.endings as Counts)}; first answer of the new runner after ${ms(one.firstAnswerMs as Percentiles)}`,
      )
      .join("; "),
  reload: ({ requests, failed, switches, latencyMs }) =>
    `${count(requests)} requests, ${failed} failed, in ${switches} switches; ${ms(latencyMs as Percentiles)}`,
  faults: (figures) =>
    Object.entries(figures as Record<string, { skipped?: string; connections?: number; bytesEach?: number | null }>)
      .map(([name, { skipped, connections, bytesEach }]) => {
        if (skipped !== undefined) return `${name}: skipped, ${skipped}`;
        const size = connections === undefined ? "" : ` (${count(connections)} connections)`;
        return `${name}${size}: held${typeof bytesEach === "number" ? `, ${count(bytesEach)} bytes each` : ""}`;
      })
      .join("; "),
  overload: ({ important, other, healthMs, recoveryMs, memoryBytes }) =>
    `important: ${counts(important.endings as Counts)}, ${ms(important.answeredMs as Percentiles)}; other: ${counts(other.endings as Counts)}; health ${ms(healthMs as Percentiles)}; memory ${mib(memoryBytes.before)} to ${mib(memoryBytes.highest)}; next answer ${recoveryMs} ms after`,
  soak: ({ minutes, before, after, answered, refused, cancelled, changes }) => {
    const total = (values: Counts) => count(Object.values(values).reduce((sum, value) => sum + value, 0));
    return `${minutes} minutes: ${total(answered as Counts)} answered, ${total(refused as Counts)} refused, ${count(cancelled)} cancelled, ${changes} changes; memory ${mib(before.pssBytes)} before, ${mib(after.pssBytes)} after; ${before.descriptors} and ${after.descriptors} descriptors, ${before.sockets} and ${after.sockets} sockets, ${after.temporaryFiles} temporary files`;
  },
  fuzz: ({ inputs, findings, targets }) =>
    `${count(inputs)} inputs, ${findings} findings (${Object.entries(targets as Record<string, { inputs: number }>)
      .map(([name, one]) => `${name} ${count(one.inputs)}`)
      .join(", ")})`,
};

/** The newest kept result of each campaign; "Not kept yet." for those that have none. */
export function resultsTable(): string {
  const files = readdirSync(RESULTS)
    .filter((name) => name.endsWith(".json"))
    .sort();
  const newest = new Map<string, KeptResult>();
  for (const file of files) {
    const result = JSON.parse(readFileSync(path.join(RESULTS, file), "utf8")) as KeptResult;
    newest.set(result.campaign, result);
  }
  const rows = Object.entries(OUTCOMES).map(([name, outcome]) => {
    const result = newest.get(name);
    if (result === undefined) return `| \`${name}\` | Not kept yet. | – |`;
    const { machine, command, endedAt, figures } = result;
    const place = `${machine.cores}-core ${machine.cpu.replaceAll(/\(R\)|\(TM\)| Processor|@.*$/g, "").trim()}`;
    return `| \`${name}\` | ${outcome(figures)} | \`${command}\`, ${endedAt.slice(0, 10)}, ${place} |`;
  });
  return ["| campaign | what came of it | command, date, machine |", "|---|---|---|", ...rows].join("\n");
}
