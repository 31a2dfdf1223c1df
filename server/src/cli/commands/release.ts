// `slipway release`: the end of a quarantine.
import type { Command } from "../command.ts";
import { versionReference } from "../model-reference.ts";
import { noServerError } from "../session.ts";

export const release: Command = {
  about:
    "Ends the quarantine of an endpoint whose runner was killed by several distinct inputs: fresh runners start and the deaths are forgotten. `slipway status` shows why it was quarantined.",
  arguments: [{ name: "<endpoint>", description: "Name of the endpoint" }],
  options: [],
  examples: [{ line: "slipway release digits", says: "digits answers again" }],
  reachesServe: true,
  run: async (context) => {
    const { kind, client } = await context.connect();
    // A quarantine ends with its server.
    if (kind === "offline") throw noServerError(context.configuration.settings.dataDir);
    const endpoint = versionReference(context.arguments[0]!).name;
    context.progress.step(`Releasing ${endpoint} …`);
    const view = await client.release({ params: { endpoint } });
    context.progress.end();
    context.answer(view, () => `${endpoint} is released and ${view.state}.`);
  },
};
