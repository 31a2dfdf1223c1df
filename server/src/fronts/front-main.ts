// The entry of a front process. It serves until the channel to the server closes, and ends at once when it does.
import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { systemClock } from "#runtime";
import { FrontProcess } from "./front.ts";
import type { FromFront, ToFront } from "./messages.ts";

// What the terminal sends to all of a group is the server's to decide: it drains its fronts, then ends them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));

const cache = process.env["NODE_COMPILE_CACHE"];
const front = new FrontProcess({
  clock: systemClock,
  randomBytes,
  environment: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
  residentBytes: () => process.memoryUsage.rss(),
  send: (message: FromFront) => {
    if (process.connected) process.send!(message);
  },
});
process.on("message", (message, socket) => front.receive(message as ToFront, socket instanceof Socket ? socket : null));
