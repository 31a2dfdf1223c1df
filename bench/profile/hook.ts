// Preloaded into the server under a profile, and through it into its runners: on SIGUSR2 V8's profiler starts, on the next
// it stops and its profile is written. From outside, so that the product needs no door for it.
//   NODE_OPTIONS=--import=file:///…/hook.ts?into=DIRECTORY
import childProcess from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import inspector from "node:inspector";
import { syncBuiltinESMExports } from "node:module";
import { Socket } from "node:net";
import path from "node:path";
import type { Readable } from "node:stream";

const SAMPLE_US = 1000;
/** A runner may write to no file, so its profiles go through one more socket to the server, a line each. */
const RUNNER_DESCRIPTOR = 4;
const into = new URL(import.meta.url).searchParams.get("into")!;
const isRunner = process.argv.some((argument) => argument.includes("runner-main"));

if (!isRunner) {
  const { spawn } = childProcess;
  // A runner's environment is empty, so it learns of this by its arguments.
  const flag = `--import=${import.meta.url}`;
  childProcess.spawn = ((program: string, args: readonly string[], options: childProcess.SpawnOptions) => {
    if (!args.some((argument) => argument.includes("runner-main"))) return spawn(program, args, options);
    const [first, ...rest] = [program, ...args].flatMap((part) => (part === process.execPath ? [part, flag] : [part]));
    const stdio = [...(options.stdio as childProcess.IOType[]), "pipe" as const];
    const child = spawn(first!, rest, { ...options, stdio });
    keepLines(child.stdio[RUNNER_DESCRIPTOR] as unknown as Readable, child.pid);
    return child;
  }) as typeof spawn;
  syncBuiltinESMExports();
}

function keepLines(stream: Readable, pid: number | undefined): void {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    if (!chunk.endsWith("\n")) return;
    keep(text, pid!);
    text = "";
  });
  stream.on("error", () => undefined); // It ended, and so does what is measured.
}

/** Under another name first, so that whoever waits for the file finds it whole. */
function keep(profile: string, pid: number): void {
  const file = path.join(into, `${pid}.cpuprofile`);
  writeFileSync(`${file}.part`, profile);
  renameSync(`${file}.part`, file);
}

const socket = isRunner ? new Socket({ fd: RUNNER_DESCRIPTOR, readable: false, writable: true }) : null;
socket?.unref();

let session: inspector.Session | null = null;
process.on("SIGUSR2", () => {
  if (session === null) {
    session = new inspector.Session();
    session.connect();
    session.post("Profiler.enable");
    session.post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
    session.post("Profiler.start");
  } else {
    session.post("Profiler.stop", (error, answer) => {
      if (error !== null) throw error;
      const text = `${JSON.stringify(answer.profile)}\n`;
      if (socket === null) keep(text, process.pid);
      else socket.write(text);
    });
    session.disconnect();
    session = null;
  }
});
