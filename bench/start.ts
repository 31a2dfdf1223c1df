// Starting: how long until the first answer, on a new data directory and on one that has been used, and the memory of a
// server that has nothing to do.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { workDirectory } from "./contenders.ts";
import { end, firstLine, memoryOf, SERVER_CORE, SLIPWAY, spawnNode } from "./processes.ts";
import { type Figure, figureOf, figureText } from "./summary.ts";

export interface StartFigures {
  /** Milliseconds from the process's start until the digits example answered an image. */
  readonly firstStartMs: Figure;
  readonly secondStartMs: Figure;
  /** All processes, proportional set size, five seconds after the start. */
  readonly idleEmptyBytes: Figure | null;
  readonly idleDigitsBytes: Figure | null;
}

const SETTLE_MS = 5000;

export async function benchStart(options: { rounds: number; log: (line: string) => void }): Promise<StartFigures> {
  const first: number[] = [];
  const second: number[] = [];
  const empty: number[] = [];
  const digits: number[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    await using directory = await workDirectory();
    const data = path.join(directory.path, "data");
    first.push((await start(data, [], false)).readyMs);
    const again = await start(data, [], true);
    second.push(again.readyMs);
    if (again.pssBytes !== null) digits.push(again.pssBytes);
    const bare = await start(path.join(directory.path, "empty"), ["--empty"], true);
    if (bare.pssBytes !== null) empty.push(bare.pssBytes);
    options.log(`start round ${round}: first ${Math.round(first.at(-1)!)} ms, second ${Math.round(second.at(-1)!)} ms`);
  }
  return {
    firstStartMs: figureOf(first),
    secondStartMs: figureOf(second),
    idleEmptyBytes: empty.length === 0 ? null : figureOf(empty),
    idleDigitsBytes: digits.length === 0 ? null : figureOf(digits),
  };
}

async function start(
  dataDirectory: string,
  flags: readonly string[],
  measuresMemory: boolean,
): Promise<{ readyMs: number; pssBytes: number | null }> {
  const before = performance.now();
  const ports = ["--port", "0", "--admin-port", "0", "--log-level", "warn"];
  const child = spawnNode(
    [...SLIPWAY, "start", "--json", "--data-dir", dataDirectory, ...ports, ...flags],
    SERVER_CORE,
  );
  try {
    const { inferenceAddress } = JSON.parse(await firstLine(child)) as { inferenceAddress: string };
    if (!flags.includes("--empty")) await askDigits(inferenceAddress);
    const readyMs = performance.now() - before;
    if (!measuresMemory) return { readyMs, pssBytes: null };
    await sleep(SETTLE_MS);
    return { readyMs, pssBytes: memoryOf(child.pid!)?.pssBytes ?? null };
  } finally {
    await end(child);
  }
}

async function askDigits(address: string): Promise<void> {
  const image = await readFile(path.resolve(import.meta.dirname, "../examples/digits/seven.png"));
  const headers = { "content-type": "image/png" };
  const response = await fetch(`${address}/v2/models/digits/predict`, { method: "POST", headers, body: image });
  const text = await response.text();
  if (!response.ok || !text.includes('"label":"7"'))
    throw new Error(`The digits example answered ${response.status}: ${text}`);
}

export function startText(figures: StartFigures): string {
  const memory = (figure: Figure | null) =>
    figure === null
      ? "not known here"
      : figureText(
          { ...figure, median: figure.median / 2 ** 20, low: figure.low / 2 ** 20, high: figure.high / 2 ** 20 },
          " MiB",
        );
  return [
    `first start, import included   ${figureText(figures.firstStartMs, " ms")}`,
    `second start                   ${figureText(figures.secondStartMs, " ms")}`,
    `idle memory, nothing deployed  ${memory(figures.idleEmptyBytes)}`,
    `idle memory, digits deployed   ${memory(figures.idleDigitsBytes)}`,
  ].join("\n");
}
