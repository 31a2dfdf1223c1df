// Preloaded into the server under a profile, and through it into its runners: on SIGUSR2 V8's profiler starts, on the next
// it stops and its profile is written. From outside, so that the product needs no door for it.
//   NODE_OPTIONS=--import=file:///…/hook.ts?into=DIRECTORY
import childProcess from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import inspector from "node:inspector";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";

const SAMPLE_US = 250;
const into = new URL(import.meta.url).searchParams.get("into")!;

// A runner's environment is empty, so it learns of this by its arguments.
const { spawn } = childProcess;
const flag = `--import=${import.meta.url}`;
childProcess.spawn = ((program: string, args: readonly string[], options: childProcess.SpawnOptions) => {
  const [first, ...rest] = [program, ...args].flatMap((part) => (part === process.execPath ? [part, flag] : [part]));
  return spawn(first!, rest, options);
}) as typeof spawn;
syncBuiltinESMExports();

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
      // Under another name first, so that whoever waits for it finds it whole.
      const file = path.join(into, `${process.pid}.cpuprofile`);
      writeFileSync(`${file}.part`, JSON.stringify(answer.profile));
      renameSync(`${file}.part`, file);
    });
    session.disconnect();
    session = null;
  }
});
