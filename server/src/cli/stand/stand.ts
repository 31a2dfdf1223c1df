// The stand candidates are measured on: servers of this command's own, as `slipway serve` starts them, with an endpoint for each
// candidate. Candidates stay loaded from one measurement to the next, as long as their memory is a modest share of the machine's.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { DIMENSIONS, type Candidate, valueIn } from "#lab/tune";
import type { DeploymentView } from "slipway/client";
import type { CommandContext } from "../command.ts";
import { importFiles, type ModelSource } from "../model-files.ts";
import type { RunningServer } from "../platform.ts";
import { startTemporaryServer } from "../temporary-server.ts";

/** Of the machine's memory, what candidates that wait for their next measurement may keep. */
const KEPT_SHARE = 0.25;
/** Of a runner whose memory the system does not tell. */
const RUNNER_BYTES = 128 * 2 ** 20;
const MODEL = "model";
const OF_SERVER = DIMENSIONS.filter((dimension) => dimension.of === "server");
const OF_DEPLOYMENT = DIMENSIONS.filter((dimension) => dimension.of === "deployment");

/** A candidate that is loaded and answers. */
export interface Loaded {
  readonly address: URL;
  readonly deployment: DeploymentView;
}

interface Kept extends Loaded {
  readonly server: RunningServer;
  readonly endpoint: string;
}

export class Stand {
  readonly #context: CommandContext;
  readonly #source: ModelSource;
  readonly #directory: string;
  /** By the settings a server is started with. */
  readonly #servers = new Map<string, RunningServer>();
  /** Loaded candidates, the longest unused first. */
  readonly #kept = new Map<Candidate, Kept>();
  readonly #endpoints = new Map<Candidate, string>();

  /**
   * @param context its configuration is what candidates change
   * @param directory for the servers' data; the caller removes it
   */
  constructor(context: CommandContext, source: ModelSource, directory: string) {
    this.#context = context;
    this.#source = source;
    this.#directory = directory;
  }

  /**
   * The address of a candidate that is ready to be measured; loads it where it is not.
   * @throws SlipwayError as deploying does
   */
  async ready(candidate: Candidate): Promise<Loaded> {
    let kept = this.#kept.get(candidate);
    if (kept === undefined) kept = await this.#load(candidate);
    this.#kept.delete(candidate);
    this.#kept.set(candidate, kept);
    return kept;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop(0)));
  }

  /** The server of the candidates that share its settings. */
  async server(candidate: Candidate): Promise<RunningServer> {
    const key = OF_SERVER.map((dimension) => `${dimension.key}=${valueIn(candidate, dimension.key)}`).join();
    let server = this.#servers.get(key);
    if (server !== undefined) return server;
    const directory = path.join(this.#directory, `server-${this.#servers.size}`);
    await mkdir(directory);
    const { configuration } = this.#context;
    const own = { ...configuration.settings.server, ...treeOf(candidate, OF_SERVER)["server"] };
    const settings = { ...configuration.settings, server: own };
    server = await startTemporaryServer({ ...this.#context, configuration: { ...configuration, settings } }, directory);
    this.#servers.set(key, server);
    await importFiles(server.client, this.#source, { name: MODEL, note: null }, this.#context.progress);
    return server;
  }

  /** The hash of the model that is measured. */
  async modelHash(candidate: Candidate): Promise<string> {
    const { client } = await this.server(candidate);
    return (await client.getVersion({ params: { name: MODEL, number: 1 } })).model.hash;
  }

  async #load(candidate: Candidate): Promise<Kept> {
    const server = await this.server(candidate);
    // The number only keeps names apart.
    const endpoint = this.#endpoints.get(candidate) ?? `candidate-${this.#endpoints.size}`;
    this.#endpoints.set(candidate, endpoint);
    let deployment: DeploymentView;
    try {
      deployment = await this.#deploy(server, endpoint, candidate);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== "MEMORY_BUDGET" || this.#kept.size === 0) throw error;
      await this.#unloadDownTo(0);
      deployment = await this.#deploy(server, endpoint, candidate);
    }
    const { totalMemoryBytes } = await server.client.getStatus();
    const bytes = memoryOf(deployment);
    await this.#unloadDownTo(Math.max(0, totalMemoryBytes * KEPT_SHARE - bytes));
    return { server, endpoint, deployment, address: new URL(`/v2/models/${endpoint}`, server.inferenceAddress) };
  }

  async #deploy(server: RunningServer, endpoint: string, candidate: Candidate): Promise<DeploymentView> {
    const settings = deploymentSettings(candidate);
    const body = { name: MODEL, settings };
    const { deployment } = await server.client.deploy({ params: { endpoint }, body }, { signal: this.#context.signal });
    return deployment;
  }

  /** Unloads candidates, the longest unused first, until the others take at most so much. */
  async #unloadDownTo(bytes: number): Promise<void> {
    let total = [...this.#kept.values()].reduce((sum, { deployment }) => sum + memoryOf(deployment), 0);
    for (const [candidate, { server, endpoint, deployment }] of this.#kept) {
      if (total <= bytes) return;
      await server.client.unload({ params: { endpoint }, body: {} });
      this.#kept.delete(candidate);
      total -= memoryOf(deployment);
    }
  }
}

/** What a candidate sets of a deployment, as the administration API takes it. */
export function deploymentSettings(candidate: Candidate): Record<string, Record<string, unknown>> {
  return treeOf(candidate, OF_DEPLOYMENT);
}

/** Values of a candidate as settings by group and name: `{ runtime: { instances: 2 } }`. */
export function treeOf(
  candidate: Candidate,
  dimensions: typeof DIMENSIONS = DIMENSIONS,
): Record<string, Record<string, number>> {
  const tree: Record<string, Record<string, number>> = {};
  for (const { key } of dimensions) {
    const [group, name] = key.split(".") as [string, string];
    (tree[group] ??= {})[name] = valueIn(candidate, key);
  }
  return tree;
}

function memoryOf({ executor }: DeploymentView): number {
  return (executor?.runners ?? []).reduce((sum, { residentBytes }) => sum + (residentBytes ?? RUNNER_BYTES), 0);
}
