// A server of its own for one command, or one run: on free ports, on a data directory that is removed afterwards. What a
// file answers here is what it answers when deployed, because it goes the same way, containment included.
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { CommandContext } from "./command.ts";
import { importFiles, type ModelSource } from "./model-files.ts";
import type { Platform, RunningServer, ServerLocation } from "./platform.ts";

/** How the directories of `slipway serve` begin; other commands look for its server in them. */
const SERVE_PREFIX = "slipway-serve-";
const OWN_PREFIX = "slipway-";

/**
 * Runs `work` with a data directory that is removed afterwards, whatever happens.
 * @param options.isFindable others may speak to the server on it: see `findServeServer`
 */
export async function withTemporaryDirectory<Result>(
  work: (directory: string) => Promise<Result>,
  options: { readonly isFindable?: boolean } = {},
): Promise<Result> {
  const directory = await mkdtemp(path.join(os.tmpdir(), options.isFindable === true ? SERVE_PREFIX : OWN_PREFIX));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Starts a quiet server on free ports of this machine; the caller stops it. */
export async function startTemporaryServer(
  context: Pick<CommandContext, "configuration" | "platform" | "signal">,
  dataDirectory: string,
): Promise<RunningServer> {
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
  return await platform.start(configuration, context.signal, { isForOneCommand: true });
}

/** Runs `work` with a quiet server on free ports of this machine, which is stopped afterwards. */
export async function withTemporaryServer<Result>(
  context: CommandContext,
  dataDirectory: string,
  work: (server: RunningServer) => Promise<Result>,
): Promise<Result> {
  const server = await startTemporaryServer(context, dataDirectory);
  try {
    return await work(server);
  } finally {
    await server.stop(0);
  }
}

/** The server that this user's newest `slipway serve` runs; null where there is none. */
export async function findServeServer(platform: Platform): Promise<ServerLocation | null> {
  let newest: ServerLocation | null = null;
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(SERVE_PREFIX)) continue;
    const directory = path.join(os.tmpdir(), name);
    if (!(await isOwnDirectory(directory))) continue;
    // One that is going away just now is no server either.
    const server = await platform.findServer(directory).catch(() => null);
    if (server !== null && server.startedAt > (newest?.startedAt ?? 0)) newest = server;
  }
  return newest;
}

/** Anybody may make a directory of that name where temporary files are kept; only this user's own is believed. */
async function isOwnDirectory(directory: string): Promise<boolean> {
  try {
    const facts = await lstat(directory);
    return facts.isDirectory() && facts.uid === (process.getuid?.() ?? facts.uid);
  } catch {
    return false; // removed since it was listed
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
