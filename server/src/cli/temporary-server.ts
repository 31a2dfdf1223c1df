// A server of its own for one command, or one run: on free ports, on a data directory that is removed afterwards. What a
// file answers here is what it answers when deployed, because it goes the same way, containment included.
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { CommandContext } from "./command.ts";
import { importFiles, type ModelSource } from "./model-files.ts";
import type { RunningServer } from "./platform.ts";

/** Runs `work` with a data directory that is removed afterwards, whatever happens. */
export async function withTemporaryDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Runs `work` with a quiet server on free ports of this machine, which is stopped afterwards. */
export async function withTemporaryServer<Result>(
  context: CommandContext,
  dataDirectory: string,
  work: (server: RunningServer) => Promise<Result>,
): Promise<Result> {
  const { settings } = context.configuration;
  const platform = await context.platform();
  const configuration = {
    ...context.configuration,
    settings: {
      ...settings,
      dataDir: dataDirectory,
      server: { ...settings.server, host: "127.0.0.1", port: 0, adminHost: "127.0.0.1", adminPort: 0 },
      log: { ...settings.log, level: settings.log.level === "info" ? "warn" : settings.log.level },
    },
  } as const;
  const server = await platform.start(configuration, context.signal);
  try {
    return await work(server);
  } finally {
    await server.stop(0);
  }
}

/** Imports a model into a server of this process and puts it behind an endpoint. */
export async function deployFiles(
  server: RunningServer,
  source: ModelSource,
  name: string,
  { progress, signal }: Pick<CommandContext, "progress" | "signal">,
): Promise<void> {
  await importFiles(server.client, source, { name, note: null }, progress);
  progress.step(`Loading ${name} …`);
  await server.client.deploy({ params: { endpoint: name }, body: { name } }, { signal });
}
