// `slipway status`: how the server and its endpoints are.
import { containmentNotes, endpointNotes, endpointTable, recordedTable } from "../endpoint-text.ts";
import type { Command } from "../command.ts";
import type { Session } from "../session.ts";
import type { StatusView } from "slipway/client";
import { columns, duration, size } from "../text.ts";

export const status: Command = {
  about:
    "Shows the server of the data directory (or that of `slipway serve`), the console's address with its token, and what each endpoint serves: its state, what waits and runs, its runners and their memory, what confines them, and why something is not ready. With the server stopped it shows what the data directory holds.",
  arguments: [],
  options: [],
  examples: [
    { line: "slipway status", says: "every endpoint in one table" },
    { line: "slipway status --json | jq -e .isReady", says: "a check for scripts: exits 0 when the server is ready" },
  ],
  reachesServe: true,
  run: async (context) => {
    const session = await context.connect();
    const view = await session.client.getStatus();
    context.answer(statusJson(session, view), () => {
      const facts =
        session.kind === "server"
          ? [
              [
                "server",
                `${view.isReady ? "ready" : "not ready"}, up ${duration(view.now - view.startedAt)}, process ${view.pid}`,
              ],
              ["inference", view.inferenceAddress],
              ["console", session.consoleAddress],
              ["data", session.isTemporary ? "none is kept: `slipway serve`" : (view.dataDirectory ?? "none")],
              ["engine", `${view.backend} on Node ${view.node}`],
              ["cores", `${view.cores}; ${view.threadPlan}`],
              ["memory", `${size(view.residentBytes)} without runners, of ${size(view.totalMemoryBytes)}`],
              ...(view.fronts.length > 1 ? [["fronts", frontsText(view.fronts)]] : []),
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
        const containment = containmentNotes(view.endpoints);
        if (containment.length > 0) lines.push("", ...containment);
      }
      return lines.join("\n");
    });
  },
};

function frontsText(fronts: StatusView["fronts"]): string {
  const each = fronts.map(({ pid, residentBytes }) => {
    if (pid === null) return "starting again";
    return residentBytes === null ? `process ${pid}` : `process ${pid}, ${size(residentBytes)}`;
  });
  return `${fronts.length}: ${each.join("; ")}`;
}

/** Where no server runs there is no address, nor a time since it does; what a temporary one stores is not kept. */
function statusJson(session: Session, view: StatusView): unknown {
  if (session.kind === "offline")
    return { ...view, isRunning: false, adminAddress: null, inferenceAddress: null, startedAt: null };
  return { ...view, isRunning: true, ...(session.isTemporary ? { dataDirectory: null } : {}) };
}
