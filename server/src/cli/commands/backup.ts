// `slipway backup`: a copy of all that is stored, made while the server goes on, or from the directory itself.
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { shellQuoted, SlipwayError } from "@slipway/core/base";
import { ApiError, type BackupView, type Client } from "slipway/client";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { slipwayCommand } from "../running.ts";
import { count, duration, size } from "../text.ts";

const POLL_MS = 100;

export const backup: Command = {
  about:
    "Copies all that is stored, as it is at one moment, while imports, deployments and inference go on: into a new archive, or into a directory of backups, to which only what is new is copied. The copy is there once it is whole, and holds no tokens. The server writes it, so the place is on the server's machine. `slipway restore` brings it back.",
  arguments: [],
  options: [
    {
      flags: "--to <place>",
      description:
        "A new file NAME.tar, or a directory that holds nothing but backups; slipway-TIME.tar here if left out",
    },
  ],
  examples: [
    { line: "slipway backup", says: "an archive in this directory" },
    { line: "slipway backup --to /backups/slipway", says: "a directory: from the second time on, only what is new" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const startedAt = context.environment.now();
    const { client } = await context.connect();
    const to = path.resolve(context.environment.workingDirectory, textOption(context.options, "to") ?? defaultName());
    context.progress.step(`Backing up to ${to} …`);
    await client.startBackup({ body: { to } });
    const done = await untilEnded(context, client);
    context.progress.end();
    context.answer(done, () => doneText(context, done, context.environment.now() - startedAt));
  },
};

function defaultName(): string {
  return `slipway-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}.tar`;
}

/** Shows how it goes on, gives it up on Ctrl-C, and answers when it is whole. */
async function untilEnded(context: CommandContext, client: Client): Promise<BackupView> {
  const { progress, signal } = context;
  for (;;) {
    const { backup: view } = signal.aborted ? await client.cancelBackup() : await client.getBackup();
    // Another process may have stopped the server and started it again.
    if (view === null) throw new SlipwayError("SERVER_UNREACHABLE", "The server that made the backup is gone.");
    if (view.state === "done") return view;
    if (view.state === "cancelled") throw new SlipwayError("INTERRUPTED", "Stopped; nothing is left of the backup.");
    if (view.error !== null) throw new ApiError(0, view.error.code, view.error.message, {});
    if (view.files > 0)
      progress.update(
        `Backing up: ${size(view.doneBytes)} of ${size(view.sizeBytes)}, ${count(view.doneFiles)} of ${count(view.files)} files`,
      );
    await sleep(POLL_MS, undefined, { signal }).catch(() => {}); // Ctrl-C: asked in the next round
  }
}

function doneText(context: CommandContext, { to, files, reusedFiles, sizeBytes }: BackupView, ms: number): string {
  const reused = reusedFiles === 0 ? "" : `, ${count(reusedFiles)} of them there already`;
  return [
    `Backed up to ${to} in ${duration(ms)}: ${count(files)} ${files === 1 ? "file" : "files"}${reused}, ${size(sizeBytes)}.`,
    `Restore it: ${slipwayCommand(context.environment)} restore ${shellQuoted(to)} --data-dir DIRECTORY`,
  ].join("\n");
}
