// `slipway status`: how the server and its endpoints are.
import { endpointNotes, endpointTable, recordedTable } from "../endpoint-text.ts";
import type { Command } from "../command.ts";
import { columns, duration, size } from "../text.ts";

export const status: Command = {
  about:
    "Shows the server of the data directory, the console's address with its token, and what each endpoint serves: its state, what waits and runs, its runners and their memory, and why something is not ready. With the server stopped it shows what the data directory holds.",
  arguments: [],
  options: [],
  examples: [
    { line: "slipway status", says: "every endpoint in one table" },
    { line: "slipway status --json | jq -e .isReady", says: "a check for scripts: exits 0 when the server is ready" },
  ],
  run: async (context) => {
    const session = await context.connect();
    const view = await session.client.getStatus();
    context.answer({ ...view, isRunning: session.kind === "server" }, () => {
      const facts =
        session.kind === "server"
          ? [
              [
                "server",
                `${view.isReady ? "ready" : "not ready"}, up ${duration(view.now - view.startedAt)}, process ${view.pid}`,
              ],
              ["inference", view.inferenceAddress],
              ["console", session.consoleAddress],
              ["data", view.dataDirectory ?? "none"],
              ["engine", `${view.backend} on Node ${view.node}`],
              ["cores", `${view.cores}; ${view.threadPlan}`],
              ["memory", `${size(view.residentBytes)} without runners, of ${size(view.totalMemoryBytes)}`],
            ]
          : [
              ["server", "not running"],
              ["data", view.dataDirectory ?? "none"],
            ];
      const lines = [...columns(facts), ""];
      if (view.endpoints.length === 0) {
        lines.push("No endpoints yet. Deploy a model: slipway deploy model.onnx --name NAME");
      } else {
        const table = session.kind === "server" ? endpointTable : recordedTable;
        lines.push(...table(view.endpoints, view.now));
        const notes = endpointNotes(view.endpoints);
        if (notes.length > 0) lines.push("", ...notes);
      }
      return lines.join("\n");
    });
  },
};
