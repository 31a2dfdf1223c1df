// Serving a repository directory (NAME/VERSION/model.onnx, as Triton and TensorFlow Serving lay it out): what is in it
// becomes versions of those numbers, and the highest of each name goes live where it is not yet.
import { slipwayErrorFrom } from "@slipway/core/base";
import { type Authority, listRepository, type Registry, type RepositoryEntry } from "#registry";
import type { Launcher } from "./launcher.ts";

export interface RepositoryPorts {
  readonly registry: Registry;
  readonly launcher: Launcher;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/**
 * Imports and deploys what a repository directory holds. What is wrong with one entry is logged and skipped.
 * @throws SlipwayError FILE_UNREADABLE where the directory itself can't be listed
 */
export async function serveRepository(directory: string, ports: RepositoryPorts, signal: AbortSignal): Promise<void> {
  const { registry, log } = ports;
  const authority: Authority = { actor: "repository", reason: null };
  const { entries, notes } = await listRepository(directory);
  for (const { path, text, severity } of notes)
    if (severity === "error") log("an entry of the repository is skipped", { path, error: text });
  const newest = new Map<string, RepositoryEntry>();
  for (const entry of entries) {
    if (signal.aborted) return;
    try {
      const { name, number, file } = entry;
      const request = { name, number, file, processing: null, source: file, note: null, limitBytes: null };
      await registry.importFile({ ...request, ...authority });
      if ((newest.get(name)?.number ?? 0) < number) newest.set(name, entry);
    } catch (error) {
      const { code, message } = slipwayErrorFrom(error);
      log("a model of the repository could not be imported", { file: entry.file, code, error: message });
    }
  }
  await Promise.all([...newest.values()].map((entry) => deployNewest(entry, ports, authority, signal)));
}

async function deployNewest(
  { name, number }: RepositoryEntry,
  ports: RepositoryPorts,
  authority: Authority,
  signal: AbortSignal,
): Promise<void> {
  const { registry, launcher, log } = ports;
  try {
    const endpoint = (await registry.listEndpoints()).find((one) => one.name === name);
    const liveId = endpoint?.liveDeploymentId ?? null;
    const live = liveId === null ? null : await registry.getDeployment(liveId);
    if (live?.name === name && live.number >= number) return;
    await launcher.deploy(
      { endpoint: name, name, number, settings: {}, allowBreaking: false, isOverride: false },
      authority,
      signal,
    );
  } catch (error) {
    const { code, message } = slipwayErrorFrom(error);
    log("a model of the repository could not be deployed", { name, number, code, error: message });
  }
}
