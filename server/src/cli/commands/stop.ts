// `slipway stop`: ends the server of the data directory from elsewhere.
import { setTimeout as sleep } from "node:timers/promises";
import { SlipwayError } from "@slipway/core/base";
import type { Command } from "../command.ts";
import { noServerError } from "../session.ts";

const POLL_MS = 100;
/** Beyond the drain, what ending the runners and closing the store may take. */
const GRACE_MS = 10_000;

export const stop: Command = {
  about:
    "Stops the server of the data directory: it takes no new requests, answers those in flight (for at most server.drainTimeoutMs), and ends.",
  arguments: [],
  options: [],
  examples: [{ line: "slipway stop", says: "as Ctrl-C where it was started" }],
  reachesServe: true,
  run: async (context) => {
    const { settings } = context.configuration;
    const server = await context.findServer();
    if (server === null) {
      throw noServerError(settings.dataDir);
    }
    const { client } = await context.connect();
    context.progress.step(`Stopping the server, process ${server.pid} …`);
    await client.stop();
    const deadline = context.environment.now() + settings.server.drainTimeoutMs + GRACE_MS;
    while ((await context.findServer())?.pid === server.pid) {
      if (context.environment.now() > deadline) {
        throw new SlipwayError("STATE_CONFLICT", `The server, process ${server.pid}, is still draining.`);
      }
      await sleep(POLL_MS);
    }
    context.progress.end();
    context.answer({ isStopped: true, pid: server.pid }, () => "Stopped.");
  },
};
