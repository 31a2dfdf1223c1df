// Parse, build, run: hands this process's surroundings to the command line, and ends with its exit code.
import { readFileSync } from "node:fs";
import { processTerminal, runCli } from "#cli";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
const interrupt = new AbortController();
/** One Ctrl-C may arrive several times: from the terminal, from npm and from the launcher, which both pass it on. */
const sameSignalMs = 500;
let interruptedAtMs = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!interrupt.signal.aborted) {
      interruptedAtMs = performance.now();
      interrupt.abort();
    } else if (performance.now() - interruptedAtMs > sameSignalMs) {
      // The second time somebody means it.
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
  });
}
// Whoever reads our output may stop early, as `head` does; that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const code = await runCli({
  arguments: process.argv.slice(2),
  terminal: processTerminal(process),
  environment: { variables: process.env, workingDirectory: process.cwd(), now: () => performance.now() },
  version,
  loadPlatform: async () => {
    const { createPlatform } = await import("./platform.ts");
    const write = (line: string) => void process.stderr.write(line);
    return createPlatform({ environment: process.env, logTo: { write, isTerminal: process.stderr.isTTY } });
  },
  signal: interrupt.signal,
});
// Nothing that is still open may keep the process: the command has said that it is done.
process.stdout.write("", () => process.exit(code));
