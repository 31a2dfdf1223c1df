// The composition root: from a configuration to a running system, or to a data directory opened without one.
import path from "node:path";
import { clientFromHandlers, createHandlers } from "#api";
import { restoreBackup } from "#backup";
import type { OfflineStore, Platform } from "#cli";
import { loadConfiguration, type Settings } from "#config";
import { blobReader, blobsDirectoryOf, readServerFile } from "#store";
import {
  clock,
  EXAMPLE_DIRECTORY,
  openParts,
  type PlatformSurroundings,
  processFacts,
  temporaryName,
  thisMachine,
  VERSION,
} from "./platform-parts.ts";
import { submitMeasure } from "./platform-jobs.ts";
import { submitTraining } from "./platform-train.ts";
import { startServer } from "./platform-server.ts";

export function createPlatform(surroundings: PlatformSurroundings): Platform {
  return {
    version: VERSION,
    machine: thisMachine(),
    exampleDirectory: EXAMPLE_DIRECTORY,
    start: (configuration, signal, options) => startServer(configuration, surroundings, signal, options),
    findServer: async (dataDirectory) => {
      const found = await readServerFile(path.resolve(dataDirectory));
      return found?.isAlive === true ? found.file : null;
    },
    readBlob: (dataDirectory, hash) =>
      blobReader(blobsDirectoryOf(path.resolve(dataDirectory))).stream(hash, { isVerified: true }),
    openOffline: (settings) => openOffline(settings, surroundings),
    restore: (settings, order) =>
      restoreBackup({
        ...order,
        dataDirectory: path.resolve(settings.dataDir),
        clock,
        temporaryName,
        holder: { pid: process.pid, what: "slipway restore" },
      }),
  };
}

/** The same operations on the directory itself; deploying loads the model for as long as it takes to know that it can. */
async function openOffline(asked: Settings, surroundings: PlatformSurroundings): Promise<OfflineStore> {
  const settings = { ...asked, log: { ...asked.log, level: asked.log.level === "info" ? "warn" : asked.log.level } };
  const parts = await openParts(settings, "a slipway command", surroundings, false);
  const handlers = createHandlers({
    ...parts,
    machine: parts.machine.fingerprint,
    submitMeasure: submitMeasure(parts.jobs, parts),
    submitTraining: submitTraining(parts.jobs, parts),
    clock,
    configuration: loadConfiguration({}),
    actor: "command line",
    facts: () => ({
      ...processFacts(settings, parts),
      startedAt: 0,
      inferenceAddress: "",
      adminAddress: "",
      residentBytes: 0,
    }),
    server: null,
  });
  return {
    client: clientFromHandlers(handlers),
    carryOut: (id) => parts.jobs.carryOut(id),
    close: async () => {
      await Promise.all([parts.backups.close(), parts.drawer.close(), parts.jobs.close()]);
      await parts.serving.close(0);
      await parts.store.close();
    },
  };
}
