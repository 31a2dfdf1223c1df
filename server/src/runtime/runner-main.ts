// The entry of a runner process: its standard input's place is taken by descriptor 3, a socket to the server. It serves
// until that closes, and ends at once when it does, so that no runner outlives its server.
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { LinkSocket } from "./link-socket.ts";
import { readModelFiles } from "./model-files.ts";
import { createOnnxRuntimeBackend } from "./onnxruntime.ts";
import { RunnerCore } from "./runner.ts";
import { systemClock } from "./system-clock.ts";

const LINK_DESCRIPTOR = 3;

// What the terminal sends to all of a group is the server's to decide: it drains, then ends its runners.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
if (process.argv.includes("--watch-parent")) watchParent(process.ppid);

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

/**
 * Ends this process when its parent changed, from a thread of its own, since a run blocks this one. A thread can only
 * start in a directory that has a name, so in this case it is the thread that takes the name of the empty one this runs
 * in away; where one in use can't be removed, the server does it at the end.
 */
function watchParent(parent: number): void {
  const source = `
    try { require("node:fs").rmdirSync(process.cwd()); } catch {}
    setInterval(() => { if (process.ppid !== ${parent}) process.kill(process.pid, "SIGKILL"); }, 500);
  `;
  const watcher = new Worker(source, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } });
  watcher.once("error", () => process.exit(1));
  watcher.unref();
}
