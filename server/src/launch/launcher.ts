// The one place where what is stored becomes what is served. A deployment is recorded as staged, loaded beside what is
// live, recorded as live, and then switched to, in this order: a kill in between leaves either the old or the new one
// recorded, and both can be loaded.
import { type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { DeploymentSettings, QueueSettings, RuntimeSettings, type Settings } from "#config";
import type {
  Authority,
  Deployment,
  Endpoint,
  JsonObject,
  PolicyVerdict,
  Promotion,
  Registry,
  Version,
} from "#registry";
import { createExecutor, type Crew, type LongTurns } from "#runtime";
import type { DeploymentSpec, Serving, Variant } from "#serve";
import type { BlobStore } from "#store";
import { storedFiles } from "./stored-files.ts";
import { lostRecords, processingOf, ServedProcessing } from "./served-processing.ts";

/** What a runner takes besides its model: Node, ONNX Runtime and their heaps, as measured on an idle runner. */
const RUNNER_BASE_BYTES = 90 * 2 ** 20;
/** Weights are read once and packed once more for the kernels. */
const WEIGHT_COPIES = 2;

export interface LauncherPorts {
  readonly registry: Registry;
  readonly blobs: Pick<BlobStore, "place">;
  readonly serving: Serving;
  readonly settings: Pick<Settings, "runtime" | "queue">;
  readonly clock: Clock;
  readonly randomBytes: (sizeBytes: number) => Uint8Array;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** The whole environment of runner processes. */
  readonly runnerEnvironment: Readonly<Record<string, string>>;
  /** Looks at the links to runners. */
  readonly longTurns: LongTurns;
  /** Fingerprint of this machine, on which some evidence must have been found. */
  readonly machine: string;
  /** Further fronts, which share the runners; null where this process is the only one. */
  readonly fronts: {
    readonly crewsOf: (deploymentId: string) => readonly Crew[];
    readonly fingerprintKey: Uint8Array;
  } | null;
}

export interface LaunchOrder {
  readonly endpoint: string;
  readonly name: string;
  /** null takes the newest. */
  readonly number: number | null;
  readonly settings: DeploymentSettings;
  /** Switch even if callers of the live version would break. */
  readonly allowBreaking: boolean;
  /** Switch even if the launch policy says otherwise; the authority must give a reason, and it is recorded. */
  readonly isOverride: boolean;
}

/** What the gate said of a launch. */
export interface GateReport extends PolicyVerdict {
  /** Whether it went live although the verdict is not yes. */
  readonly isOverridden: boolean;
}

export interface Launch extends Promotion {
  /** null where no launch policy stands before the endpoint: it is ungated. */
  readonly gate: GateReport | null;
}

export class Launcher {
  readonly #ports: LauncherPorts;

  constructor(ports: LauncherPorts) {
    this.#ports = ports;
  }

  /**
   * Loads a version and switches its endpoint to it. Resolves when it is live and recorded so. The gate is asked before
   * anything is loaded, and again right before the switch, since evidence may have grown too old meanwhile.
   * @throws SlipwayError GATE_REFUSED (its details are the verdict), MODEL_*, PROCESSING_INVALID, SIGNATURE_BREAKING,
   * MEMORY_BUDGET, VERSION_NOT_FOUND; what was live stays
   */
  async deploy(order: LaunchOrder, authority: Authority, signal: AbortSignal): Promise<Launch> {
    const { registry } = this.#ports;
    const { endpoint, name, number, isOverride, allowBreaking } = order;
    if (isOverride && authority.reason === null) {
      throw new SlipwayError("USAGE", "An override of the launch policy needs a reason; give one with --reason.");
    }
    const version = await registry.getVersion(name, number);
    const askGate = () => this.#askGate(endpoint, version, isOverride);
    await askGate();
    const staged = await registry.stage({ ...order, number: version.number, settings: order.settings as JsonObject });
    return await this.#launch(staged, "deployed", allowBreaking, authority, signal, askGate);
  }

  /** Asks the launch policy of an endpoint about a version. @throws SlipwayError GATE_REFUSED */
  async #askGate(endpoint: string, version: Version, isOverride: boolean): Promise<GateReport | null> {
    const { registry, machine } = this.#ports;
    const policy = await registry.launchPolicyOf(endpoint);
    if (policy === null) return null;
    const judged = await registry.judge(policy, version, machine);
    if (judged.verdict === "yes") return { ...judged, isOverridden: false };
    if (isOverride) return { ...judged, isOverridden: true };
    const open = judged.requirements.filter(({ verdict }) => verdict !== "yes");
    const lines = open.map(({ requirement, verdict, text, remedy }) =>
      `${requirement}: ${verdict}. ${text} ${remedy ?? ""}`.trim(),
    );
    throw new SlipwayError(
      "GATE_REFUSED",
      `${version.name}@${version.number} does not pass the launch policy of "${endpoint}": ${open.length} of ${judged.requirements.length} requirements are not met.\n${lines.join("\n")}`,
      { details: judged as unknown as JsonObject },
    );
  }

  /**
   * Switches an endpoint back to what was live before.
   * @throws SlipwayError ENDPOINT_NOT_FOUND, ROLLBACK_IMPOSSIBLE
   */
  async rollback(endpoint: string, authority: Authority, signal: AbortSignal): Promise<Launch> {
    const target = await this.#ports.registry.rollbackTarget(endpoint);
    // What was live before may differ in its signature; returning to it was decided when it was replaced.
    // So was going live: it needs no gate.
    return await this.#launch(target, "rolled-back", true, authority, signal, async () => null);
  }

  /** Takes an endpoint out of service: recorded first, so that a restart does not bring it back. */
  async unload(endpoint: string, authority: Authority): Promise<Endpoint> {
    const { registry, serving } = this.#ports;
    if (!serving.status().some((variant) => variant.endpoint === endpoint))
      return await registry.unload(endpoint, authority);
    let record: Endpoint | null = null;
    // Recorded in its turn: a deployment asked for before and still loading must not be recorded as live after this.
    await serving.unload(endpoint, {
      beforeUnload: async () => {
        record = await registry.unload(endpoint, authority);
      },
    });
    return record!;
  }

  /**
   * Brings back everything that was live when the server stopped. One that fails leaves the server running and not
   * ready; status says why.
   */
  async restore(signal: AbortSignal): Promise<void> {
    const { registry } = this.#ports;
    await registry.abandonStaged("the server stopped while it was loading");
    const endpoints = (await registry.listEndpoints()).filter(({ liveDeploymentId }) => liveDeploymentId !== null);
    await Promise.all(endpoints.map((endpoint) => this.bringBack(endpoint, signal)));
  }

  /** Loads what an endpoint serves by the registry. A failure is logged and stays in status; it is not thrown. */
  async bringBack({ name, liveDeploymentId }: Endpoint, signal: AbortSignal): Promise<void> {
    if (liveDeploymentId === null) return;
    const { registry, serving, log } = this.#ports;
    try {
      const deployment = await registry.getDeployment(liveDeploymentId);
      await serving.deploy(await this.#spec(deployment), { isExpected: true, signal });
    } catch (error) {
      const { code, message } = slipwayErrorFrom(error);
      if (code !== "SHUTTING_DOWN" && !signal.aborted)
        log("an endpoint could not be brought back", { endpoint: name, code, error: message });
    }
  }

  async #launch(
    deployment: Deployment,
    as: "deployed" | "rolled-back",
    allowBreaking: boolean,
    authority: Authority,
    signal: AbortSignal,
    askGate: () => Promise<GateReport | null>,
  ): Promise<Launch> {
    const { registry, serving, log } = this.#ports;
    let launch: Launch | null = null;
    try {
      await serving.deploy(await this.#spec(deployment), {
        allowBreaking,
        signal,
        beforeSwitch: async (candidate) => {
          if (!allowBreaking) this.#refuseLostRecords(candidate);
          const gate = await askGate();
          const details = gate === null ? {} : { gate: gate as unknown as JsonObject };
          launch = { ...(await registry.promote(deployment.id, as, authority, details)), gate };
          if (gate?.isOverridden === true) await this.#recordOverride(deployment, gate, authority);
        },
      });
    } catch (error) {
      // What went wrong is told even where it can't be recorded, as on a full disk or a server that stops.
      await registry.fail(deployment.id, slipwayErrorFrom(error).message, authority).catch((failure: unknown) => {
        const { code, message } = slipwayErrorFrom(failure);
        log("a failed load could not be recorded", { endpoint: deployment.endpoint, code, error: message });
      });
      throw error;
    }
    return launch!;
  }

  async #recordOverride(
    { endpoint, name, number }: Deployment,
    { requirements }: GateReport,
    authority: Authority,
  ): Promise<void> {
    const open = requirements.filter(({ verdict }) => verdict !== "yes").map(({ requirement }) => requirement);
    await this.#ports.registry.record({
      ...authority,
      kind: "overridden",
      subject: endpoint,
      text: `${name}@${number} went live although ${open.length} requirements of the launch policy are not met`,
      details: { requirements: open },
    });
  }

  /** The tensors may fit, and callers that send images be refused all the same. */
  #refuseLostRecords(candidate: Variant): void {
    const { endpoint, version } = candidate;
    const { serving } = this.#ports;
    if (!serving.status().some((variant) => variant.endpoint === endpoint && variant.isLive)) return;
    const lost = lostRecords(processingOf(serving.route(endpoint, null)), processingOf(candidate));
    if (lost === null) return;
    throw new SlipwayError(
      "SIGNATURE_BREAKING",
      `Version ${version} would break callers of the live one: ${lost}. Import it with processing, or deploy with --breaking.`,
      { details: { differences: [{ kind: "processing", text: lost }] } },
    );
  }

  async #spec(deployment: Deployment): Promise<DeploymentSpec> {
    const { registry, settings, clock, randomBytes, log, runnerEnvironment, longTurns, fronts } = this.#ports;
    const { model, version } = await registry.resolve(`${deployment.name}@${deployment.number}`);
    const own = DeploymentSettings.parse(deployment.settings);
    const runtime = RuntimeSettings.parse({ ...settings.runtime, ...own.runtime });
    const queue = QueueSettings.parse({ ...settings.queue, ...own.queue });
    const attachment = new ServedProcessing(version?.processing ?? null, model.scan.signature);
    return {
      deploymentId: deployment.id,
      endpoint: deployment.endpoint,
      version: String(deployment.number),
      queue,
      attachment,
      estimatedBytes:
        (runtime.inline ? 0 : runtime.instances * RUNNER_BASE_BYTES) +
        runtime.instances * WEIGHT_COPIES * model.sizeBytes,
      load: async (signal) =>
        await createExecutor({
          model: await storedFiles(model, this.#ports.blobs),
          settings: runtime,
          clock,
          randomBytes,
          signal,
          environment: runnerEnvironment,
          longTurns,
          ...(fronts === null ? {} : { crews: fronts.crewsOf(deployment.id), fingerprintKey: fronts.fingerprintKey }),
          log: (message, facts) =>
            log(message, { endpoint: deployment.endpoint, version: deployment.number, ...facts }),
        }),
    };
  }
}
