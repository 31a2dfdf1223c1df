// A server in the foreground: what is printed when it is ready, and stopping it in good order.
import type { CommandContext, Environment } from "./command.ts";
import type { RunningServer } from "./platform.ts";
import { styled } from "./terminal.ts";
import { columns, duration } from "./text.ts";

/** What to try first: something to paste, and what it does. */
export interface TryIt {
  readonly says: string;
  readonly line: string;
}

/** A server that just became ready. */
export interface Announcement {
  readonly version: string;
  readonly server: RunningServer;
  /** Null where nothing is kept. */
  readonly dataDirectory: string | null;
  readonly tries: readonly TryIt[];
  /** When the command began, on the clock of its surroundings. */
  readonly startedAt: number;
}

/** Tells that the server is ready; one line of JSON where that is wanted. */
export function announce(context: CommandContext, announcement: Announcement): void {
  const { terminal, environment } = context;
  const { version, server, dataDirectory, tries, startedAt } = announcement;
  context.progress.end();
  const { consoleAddress, inferenceAddress } = server;
  if (context.isJson) {
    const facts = { event: "ready", version, consoleAddress, inferenceAddress, dataDirectory, tries };
    terminal.out(`${JSON.stringify(facts)}\n`);
    return;
  }
  const bold = (text: string) => styled(terminal, "bold", text);
  const lines = [
    `${bold(`Slipway ${version}`)} is ready after ${duration(environment.now() - startedAt)}.`,
    "",
    ...columns([
      ["  console", consoleAddress],
      ["  inference", inferenceAddress],
    ]),
  ];
  for (const { says, line } of tries) lines.push("", `${says}:`, "", `  ${line}`);
  lines.push("", "Ctrl-C stops it.");
  terminal.out(`${lines.join("\n")}\n`);
}

/** Waits until the server stopped, by itself, by `slipway stop` or by Ctrl-C, and drains it in the last case. */
export async function untilStopped(context: CommandContext, server: RunningServer): Promise<void> {
  const { signal, terminal, configuration, isJson } = context;
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await Promise.race([server.stopped, interrupted]);
  if (signal.aborted) {
    if (!isJson) terminal.err("\nStopping: what is in flight is still answered. Ctrl-C again stops at once.\n");
    await server.stop(configuration.settings.server.drainTimeoutMs);
  }
  await server.stopped;
  if (isJson) terminal.out(`${JSON.stringify({ event: "stopped" })}\n`);
  else terminal.err("Stopped.\n");
}

/** How this command is called where it runs: npm does not put `slipway` where a shell finds it. */
export function slipwayCommand({ variables }: Environment): string {
  return variables["npm_command"] === undefined ? "slipway" : "npx slipway";
}
