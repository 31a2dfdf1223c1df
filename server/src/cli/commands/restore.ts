// `slipway restore`: a backup becomes a data directory, which no server may hold meanwhile.
import path from "node:path";
import { shellQuoted } from "@slipway/core/base";
import type { Command } from "../command.ts";
import { slipwayCommand } from "../running.ts";
import { count, moment, size } from "../text.ts";

export const restore: Command = {
  about:
    "Brings a backup into the data directory. Every byte is compared with its hash first; a directory that is not empty is left alone unless --replace says so, and what was in it is kept aside then. A server that uses the directory has to be stopped.",
  arguments: [{ name: "<backup>", description: "What `slipway backup` wrote: an archive, or a directory" }],
  options: [
    { flags: "--replace", description: "Also into a directory that is not empty; what is there is kept aside in it" },
    { flags: "--check", description: "Only read the backup through, and compare it with its hashes" },
  ],
  examples: [
    { line: "slipway restore slipway-20261125T140307Z.tar --data-dir restored", says: "into a new data directory" },
    { line: "slipway restore /backups/slipway --replace", says: "instead of what the data directory holds" },
    { line: "slipway restore /backups/slipway --check", says: "is every byte of it as it was?" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const { configuration, environment, options, progress, signal } = context;
    const from = path.resolve(environment.workingDirectory, context.arguments[0]!);
    const isDryRun = options["check"] === true;
    const verb = isDryRun ? "Reading" : "Restoring";
    progress.step(`${verb} ${from} …`);
    const platform = await context.platform();
    const restored = await platform.restore(configuration.settings, {
      from,
      isReplacing: options["replace"] === true,
      isDryRun,
      signal,
      onProgress: (done, all) => progress.update(`${verb}: ${size(done)} of ${size(all)}`),
    });
    progress.end();
    context.answer(restored, () => {
      const { dataDirectory, keptAs, createdAt, files, sizeBytes } = restored;
      const what = `${count(files)} ${files === 1 ? "file" : "files"}, ${size(sizeBytes)}, as of ${moment(createdAt)}`;
      if (dataDirectory === null) return `The backup is sound: ${what}.`;
      const start = `${slipwayCommand(environment)} start --data-dir ${shellQuoted(dataDirectory)}`;
      const kept =
        keptAs === null ? [] : [`What was there is kept in ${keptAs}; remove it when you no longer need it.`];
      return [`Restored into ${dataDirectory}: ${what}.`, ...kept, `Serve it: ${start}`].join("\n");
    });
  },
};
