// The entry of a runner process: its standard input's place is taken by descriptor 3, a socket to the server. It serves
// until that closes, and ends at once when it does, so that no runner outlives its server.
import { Socket } from "node:net";
import { LinkSocket } from "./link-socket.ts";
import { readModelFiles } from "./model-files.ts";
import { createOnnxRuntimeBackend } from "./onnxruntime.ts";
import { RunnerCore } from "./runner.ts";
import { systemClock } from "./system-clock.ts";
import { watchParent } from "./watch-parent.ts";

const LINK_DESCRIPTOR = 3;

// What the terminal sends to all of a group is the server's to decide: it drains, then ends its runners.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
if (process.argv.includes("--watch-parent")) watchParent(process.ppid, { removesDirectory: true });

const core = new RunnerCore({
  backend: createOnnxRuntimeBackend(),
  clock: systemClock,
  readFiles: readModelFiles,
});
const own = new Socket({ fd: LINK_DESCRIPTOR, readable: true, writable: true });
attach(own);
own.on("error", () => process.exit(0));
own.on("close", () => process.exit(0));
// Other fronts' links come here. One that breaks is that front's end, and no reason to stop.
process.on("message", (_message, link) => {
  if (link instanceof Socket) attach(link);
});

function attach(socket: Socket): void {
  const link = new LinkSocket(socket, systemClock);
  const peer = core.attach(link.send);
  link.read({
    receive(chunk) {
      try {
        peer.receive(chunk);
      } catch (error) {
        if (socket === own) throw error;
        socket.destroy(); // a front that sends no frames
      }
    },
    isAwaited: () => false,
    flush: () => undefined,
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => peer.closed());
}
