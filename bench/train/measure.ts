// Training steps against PyTorch eager: the same networks, first weights, batch, optimiser and cores, taking turns within each
// round. Losses are compared too, so that it is the same work.
import path from "node:path";
import { workDirectory } from "../contenders.ts";
import { directoryOf } from "../peers/start-peer.ts";
import { PYTORCH } from "../peers/peers.ts";
import { canPin, LOAD_CORE, SERVER_CORE } from "../processes.ts";
import { type Figure, figureOf, figureText, ratioOf } from "../summary.ts";
import { AskedProcess } from "./asked-process.ts";
import { type NetworkName, NETWORKS, OPTIMIZERS, type OptimizerName, OWN_NAMES, type OwnName } from "./networks.ts";
import { writeTensors } from "./tensors.ts";

export interface TrainFigures {
  readonly torch: string;
  readonly steps: readonly StepFigures[];
  /** Where a step's time goes, on one thread; null for networks of which that is not asked. */
  readonly profile: ProfileFigures | null;
}

interface StepFigures {
  readonly network: NetworkName;
  readonly optimizer: OptimizerName;
  readonly threads: number;
  readonly contenders: readonly ContenderFigures[];
  /** Largest difference of the first losses from PyTorch's, over the first of all. */
  readonly lossDifference: number;
}

interface ContenderFigures {
  readonly name: ContenderName;
  readonly stepMs: Figure;
  readonly cpuMs: Figure;
  /** Its step over PyTorch's, round by round, and the same by processor time. */
  readonly overTorch: Figure;
  readonly overTorchByCpu: Figure;
  /** The most the process held at once, and that less what it held before it had a model. */
  readonly peakBytes: number;
  readonly addedBytes: number;
  readonly build: BuildFigures | null;
}

interface BuildFigures {
  readonly prepareMs: number;
  readonly differentiateMs: number;
  readonly sessionMs: number;
  readonly nodes: { readonly forward: number; readonly step: number };
}

interface ProfileFigures {
  readonly network: NetworkName;
  readonly stepMs: number;
  readonly operators: readonly {
    readonly operator: string;
    readonly nodes: number;
    readonly ms: number;
    readonly share: number;
  }[];
}

type ContenderName = OwnName | "PyTorch";

export interface TrainOptions {
  readonly optimizers: readonly OptimizerName[];
  readonly threads: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly isInstalling: boolean;
  readonly log: (line: string) => void;
}

/** Losses that are compared: of the first steps, before rounding has grown. */
const COMPARED_STEPS = 3;
const MOST_DIFFERENCE = 1e-4;
const WARM_UP_STEPS = 4;
const LEAST_STEPS = 2;
const PROFILED: readonly NetworkName[] = ["resnet18", "cnn", "transformer"];

export async function benchTrain(network: NetworkName, options: TrainOptions): Promise<TrainFigures> {
  const environment = directoryOf(PYTORCH);
  if (options.isInstalling && !PYTORCH.isInstalled(environment)) PYTORCH.install(environment);
  if (!PYTORCH.isInstalled(environment))
    throw new Error(`PyTorch is not installed in ${environment}; --install does it.`);
  const steps: StepFigures[] = [];
  let torch = "";
  await using directory = await workDirectory();
  writeTensors(directory.path, network);
  for (const threads of canPin ? options.threads : [1]) {
    for (const optimizer of options.optimizers) {
      const made = await measureSteps({ network, optimizer, threads, folder: directory.path, environment }, options);
      steps.push(made.figures);
      torch = made.torch;
    }
  }
  const profile = PROFILED.includes(network) ? await profileOf(network, directory.path, environment) : null;
  return { torch, steps, profile };
}

interface Setting {
  readonly network: NetworkName;
  readonly optimizer: OptimizerName;
  readonly threads: number;
  readonly folder: string;
  readonly environment: string;
}

async function measureSteps(
  setting: Setting,
  { rounds, seconds, log }: TrainOptions,
): Promise<{ figures: StepFigures; torch: string }> {
  const turns: Turn[] = [];
  try {
    for (const name of [...OWN_NAMES, "PyTorch"] as const) turns.push(await Turn.start(name, setting));
    for (const turn of turns) await turn.warmUp(seconds / turns.length);
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < turns.length; at++) await turns[(round + at) % turns.length]!.measure();
    }
    const { network, optimizer, threads } = setting;
    const torch = turns.find(({ name }) => name === "PyTorch")!;
    const lossDifference = Math.max(...turns.map((turn) => turn.differenceFrom(torch)));
    if (!(lossDifference <= MOST_DIFFERENCE))
      throw new Error(`Losses of ${network} differ by ${lossDifference} from PyTorch's, so it is not the same work.`);
    const contenders = turns.map((turn) => turn.figures(torch));
    const figures = { network, optimizer, threads, contenders, lossDifference };
    log(stepText(figures));
    return { figures, torch: (torch.facts as { version: string }).version };
  } finally {
    for (const turn of turns) await turn.stop();
  }
}

async function profileOf(network: NetworkName, folder: string, environment: string): Promise<ProfileFigures> {
  const turn = await Turn.start("fast", { network, optimizer: "sgd", threads: 1, folder, environment });
  try {
    return { network, ...((await turn.ask("profile")) as Omit<ProfileFigures, "network">) };
  } finally {
    await turn.stop();
  }
}

interface Answer {
  readonly stepsMs: readonly number[];
  readonly cpuMs: readonly number[];
  readonly losses: readonly number[];
  readonly peakBytes: number;
  readonly addedBytes: number;
}

/** A process that does steps when it is its turn, and what was seen of it. */
class Turn {
  readonly name: ContenderName;
  /** What it said when it was ready. */
  readonly facts: unknown;
  readonly #process: AskedProcess;
  readonly #seen: { readonly stepMs: number[]; readonly cpuMs: number[] } = { stepMs: [], cpuMs: [] };
  #first: readonly number[] = [];
  #last: Answer | null = null;
  #steps = LEAST_STEPS;

  private constructor(name: ContenderName, asked: AskedProcess) {
    this.name = name;
    this.facts = asked.facts;
    this.#process = asked;
  }

  static async start(name: ContenderName, setting: Setting): Promise<Turn> {
    const { network, optimizer, threads, folder, environment } = setting;
    const at = (file: string): string => path.join(import.meta.dirname, file);
    const rate = String(OPTIMIZERS[optimizer].learningRate);
    const command =
      name === "PyTorch"
        ? [path.join(environment, "bin/python"), at("step_peer.py"), network, optimizer, String(threads), folder, rate]
        : [
            process.execPath,
            "--conditions=source",
            "--disable-warning=ExperimentalWarning",
            at("step-run.ts"),
            network,
            optimizer,
            String(threads),
            name,
            folder,
          ];
    const cores = threads === 1 ? [SERVER_CORE] : [SERVER_CORE, LOAD_CORE];
    return new Turn(name, await AskedProcess.start(name, command, cores));
  }

  async ask(what: string): Promise<unknown> {
    return await this.#process.ask(what);
  }

  /** Does the first steps, and finds how many a turn of so many seconds has. */
  async warmUp(seconds: number): Promise<void> {
    const { losses } = (await this.ask(String(WARM_UP_STEPS))) as Answer;
    const { stepsMs } = (await this.ask(String(LEAST_STEPS))) as Answer;
    this.#first = losses.slice(0, COMPARED_STEPS);
    this.#steps = Math.max(LEAST_STEPS, Math.round((seconds * 1000) / medianOf(stepsMs)));
  }

  async measure(): Promise<void> {
    this.#last = (await this.ask(String(this.#steps))) as Answer;
    this.#seen.stepMs.push(medianOf(this.#last.stepsMs));
    this.#seen.cpuMs.push(medianOf(this.#last.cpuMs));
  }

  differenceFrom(other: Turn): number {
    const differences = this.#first.map((loss, step) => Math.abs(loss - other.#first[step]!));
    return Math.max(...differences) / Math.abs(other.#first[0]!);
  }

  figures(torch: Turn): ContenderFigures {
    const { stepMs, cpuMs } = this.#seen;
    return {
      name: this.name,
      stepMs: figureOf(stepMs),
      cpuMs: figureOf(cpuMs),
      overTorch: ratioOf(stepMs, torch.#seen.stepMs),
      overTorchByCpu: ratioOf(cpuMs, torch.#seen.cpuMs),
      peakBytes: this.#last!.peakBytes,
      addedBytes: this.#last!.addedBytes,
      build: this.name === "PyTorch" ? null : (this.facts as BuildFigures),
    };
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

function medianOf(values: readonly number[]): number {
  return figureOf(values).median;
}

export function trainText({ torch, steps, profile }: TrainFigures): string {
  return [
    `Steps of training, batches of 64, against PyTorch ${torch} eager`,
    ...steps.map(stepText),
    ...(profile === null ? [] : [profileText(profile)]),
  ].join("\n");
}

function profileText({ network, stepMs, operators }: ProfileFigures): string {
  return [
    `${network}, operators of a step of ${stepMs.toFixed(0)} ms, one thread`,
    ...operators
      .filter(({ share }) => share >= 0.005)
      .map(({ operator, nodes, ms, share }) => `  ${operator} × ${nodes}: ${ms.toFixed(1)} ms, ${percent(share)}`),
  ].join("\n");
}

function stepText({ network, optimizer, threads, contenders, lossDifference }: StepFigures): string {
  return [
    `${NETWORKS[network].says}; ${optimizer}, ${threads} thread${threads === 1 ? "" : "s"}; losses differ by ${lossDifference.toExponential(0)}`,
    ...contenders.map(({ name, stepMs, overTorch, overTorchByCpu, peakBytes, addedBytes, build }) => {
      const over =
        name === "PyTorch" ? "" : `; over PyTorch ${figureText(overTorch)}, by CPU time ${figureText(overTorchByCpu)}`;
      const built =
        build === null
          ? ""
          : `; built in ${(build.prepareMs + build.differentiateMs + build.sessionMs).toFixed(0)} ms, ${build.nodes.step} nodes`;
      const memory = `; peak ${mebibytes(peakBytes)}, ${mebibytes(addedBytes)} more than before`;
      return `  ${name.padEnd(12)} ${figureText(stepMs, " ms")}${over}${memory}${built}`;
    }),
  ].join("\n");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
