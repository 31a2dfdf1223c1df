// Whole trainings of the digits, from a file of pixels to weights and how many held-out digits they get right: `lab/train`'s loop
// against PyTorch's with its DataLoader, with the same network, first weights, rows, batches, epochs and optimiser, in turns on the same core.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { mnistDigits, packagedDigits, splitDigits } from "../../examples/digits/digits.ts";
import { workDirectory } from "../contenders.ts";
import { PYTORCH } from "../peers/peers.ts";
import { directoryOf } from "../peers/start-peer.ts";
import { SERVER_CORE } from "../processes.ts";
import { type Figure, figureOf, figureText, ratioOf } from "../summary.ts";
import { AskedProcess } from "./asked-process.ts";
import { ROWS } from "./networks.ts";
import { writeTensors } from "./tensors.ts";

export interface FitFigures {
  readonly torch: string;
  readonly epochs: number;
  readonly trainingRows: number;
  readonly heldOutRows: number;
  readonly contenders: readonly FitContenderFigures[];
  /** Slipway over PyTorch, round by round, and the same by processor time. */
  readonly overTorch: Figure;
  readonly overTorchByCpu: Figure;
}

interface FitContenderFigures {
  readonly name: "Slipway" | "PyTorch";
  /** From the file to weights: rows read, the network made ready, every epoch. */
  readonly seconds: Figure;
  readonly cpuSeconds: Figure;
  /** Of those, until the first step. */
  readonly readySeconds: Figure;
  /** How long steps waited for their rows, as a share of all. */
  readonly waitedShare: Figure;
  /** Held-out digits that are right, as a share. */
  readonly accuracy: Figure;
}

interface Answer {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly readySeconds: number;
  readonly waitedSeconds: number;
  readonly right: number;
}

export interface FitBenchOptions {
  readonly rounds: number;
  readonly isInstalling: boolean;
  readonly log: (line: string) => void;
}

const EPOCHS = 2;
const SEED = 1;
const CONTENDERS = ["Slipway", "PyTorch"] as const;

export async function benchFit({ rounds, isInstalling, log }: FitBenchOptions): Promise<FitFigures> {
  const environment = directoryOf(PYTORCH);
  if (isInstalling && !PYTORCH.isInstalled(environment)) PYTORCH.install(environment);
  if (!PYTORCH.isInstalled(environment))
    throw new Error(`PyTorch is not installed in ${environment}; --install does it.`);
  const { training, heldOut: others } = splitDigits(mnistDigits(), packagedDigits(), SEED);
  // Whole batches, as the network takes them.
  const judged = others.labels.length - (others.labels.length % ROWS);
  const heldOut = {
    pixels: others.pixels.subarray(0, (judged * others.pixels.length) / others.labels.length),
    labels: others.labels.subarray(0, judged),
  };
  await using directory = await workDirectory();
  writeTensors(directory.path, "cnn");
  for (const [name, { pixels, labels }] of Object.entries({ training, heldOut })) {
    writeFileSync(path.join(directory.path, `${name}-pixels.bin`), pixels);
    writeFileSync(path.join(directory.path, `${name}-labels.bin`), labels);
  }
  const at = (file: string): string => path.join(import.meta.dirname, file);
  const node = [process.execPath, "--conditions=source", "--disable-warning=ExperimentalWarning"];
  const commands = {
    Slipway: [...node, at("fit-run.ts"), directory.path, String(EPOCHS)],
    PyTorch: [path.join(environment, "bin/python"), at("fit_peer.py"), directory.path, String(EPOCHS)],
  };
  const seen: Record<(typeof CONTENDERS)[number], Answer[]> = { Slipway: [], PyTorch: [] };
  let torch = "";
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()) {
      const asked = await AskedProcess.start(name, commands[name], [SERVER_CORE]);
      try {
        const answer = (await asked.ask(String(round + 1))) as Answer;
        seen[name].push(answer);
        log(`${name}: ${answer.seconds.toFixed(1)} s, ${answer.right} of ${heldOut.labels.length} right`);
        if (name === "PyTorch") torch = (asked.facts as { version: string }).version;
      } finally {
        await asked.stop();
      }
    }
  }
  const of = (name: (typeof CONTENDERS)[number], read: (answer: Answer) => number) => seen[name].map(read);
  return {
    torch,
    epochs: EPOCHS,
    trainingRows: training.labels.length,
    heldOutRows: heldOut.labels.length,
    contenders: CONTENDERS.map((name) => ({
      name,
      seconds: figureOf(of(name, ({ seconds }) => seconds)),
      cpuSeconds: figureOf(of(name, ({ cpuSeconds }) => cpuSeconds)),
      readySeconds: figureOf(of(name, ({ readySeconds }) => readySeconds)),
      waitedShare: figureOf(of(name, ({ waitedSeconds, seconds }) => waitedSeconds / seconds)),
      accuracy: figureOf(of(name, ({ right }) => right / heldOut.labels.length)),
    })),
    overTorch: ratioOf(
      of("Slipway", ({ seconds }) => seconds),
      of("PyTorch", ({ seconds }) => seconds),
    ),
    overTorchByCpu: ratioOf(
      of("Slipway", ({ cpuSeconds }) => cpuSeconds),
      of("PyTorch", ({ cpuSeconds }) => cpuSeconds),
    ),
  };
}

export function fitText({ torch, epochs, trainingRows, contenders, overTorch, overTorchByCpu }: FitFigures): string {
  return [
    `Training on ${trainingRows} digits, ${epochs} epochs, one thread, against PyTorch ${torch} eager`,
    ...contenders.map(({ name, seconds, readySeconds, waitedShare, accuracy }) => {
      const waited = `waited for rows ${(100 * waitedShare.median).toFixed(2)} % of it`;
      return `  ${name.padEnd(8)} ${figureText(seconds, " s")}; ready after ${figureText(readySeconds, " s")}; ${waited}; right ${figureText(accuracy, "", 4)}`;
    }),
    `  over PyTorch ${figureText(overTorch)}, by CPU time ${figureText(overTorchByCpu)}`,
  ].join("\n");
}
