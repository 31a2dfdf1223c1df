// A model behind an inference listener of its own, on a free port of this machine, for measurements through HTTP: the same
// listener, serving and runners that answer clients, and nothing else of a server.
import { randomBytes } from "node:crypto";
import type { Clock } from "@slipway/core/base";
import { createInferenceServer, createRecords, httpAddress } from "#api";
import type { RuntimeSettings, Settings } from "#config";
import type { ServedSubject } from "#lab/measure";
import { type Executor, ImagePreparer, LongTurns } from "#runtime";
import { createServing } from "#serve";

const NAME = "measured";
const VERSION = "1";

export interface ServePorts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly load: (changes: Partial<RuntimeSettings>, signal: AbortSignal) => Promise<Executor>;
  /** All that child processes see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of Slipway. */
  readonly version: string;
}

/**
 * Serves what `load` loads.
 * @throws SlipwayError as loading and listening do; then nothing is left running
 */
export async function serveSubject(
  { settings, clock, load, environment, version }: ServePorts,
  changes: Partial<RuntimeSettings>,
  signal: AbortSignal,
): Promise<ServedSubject> {
  const serving = createServing({ clock, hooks: [], memoryBudgetBytes: null });
  const images = new ImagePreparer({ clock, environment });
  let executor: Executor | null = null;
  const server = createInferenceServer({
    serving,
    longTurns: new LongTurns(clock),
    settings: { ...settings, server: { ...settings.server, host: "127.0.0.1", port: 0 } },
    clock,
    random: randomBytes,
    version,
    records: createRecords(images),
    statistics: async () => [],
    repository: async () => [],
    labels: () => null,
    log: { error: () => {} },
  });
  const close = async () => {
    await Promise.all([server.close(0), serving.close(0)]);
    images.close();
  };
  try {
    await serving.deploy(
      {
        deploymentId: NAME,
        endpoint: NAME,
        version: VERSION,
        queue: settings.queue,
        attachment: null,
        estimatedBytes: 0,
        load: async (until) => (executor = await load(changes, until)),
      },
      { signal },
    );
    const address = httpAddress(await server.listen());
    const { signature, batching } = executor!;
    return { url: new URL(`/v2/models/${NAME}`, address), signature, batching, close };
  } catch (error) {
    await close();
    throw error;
  }
}
