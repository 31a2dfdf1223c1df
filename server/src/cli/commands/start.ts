// `slipway start`: the platform in the foreground; on its first start with a model to play with.
import path from "node:path";
import { shellQuoted } from "@slipway/core/base";
import type { Command, CommandContext } from "../command.ts";
import { modelSource } from "../model-files.ts";
import type { RunningServer } from "../platform.ts";
import { announce, type TryIt, untilStopped } from "../running.ts";
import { deployFiles } from "../temporary-server.ts";

const EXAMPLE = "digits";
const EXAMPLE_IMAGE = "seven.png";

export const start: Command = {
  about:
    "Starts the platform and keeps it in the foreground: the inference listener, and the console with administration on an address of its own. What was deployed is served again. The first start on a new data directory imports and deploys the digits example. Ctrl-C answers what is in flight and stops.",
  arguments: [],
  options: [{ flags: "--empty", description: "Do not import the digits example" }],
  settings: "all",
  examples: [
    { line: "slipway start", says: "on 127.0.0.1:8000, console on 127.0.0.1:8010" },
    { line: "slipway start --data-dir /var/lib/slipway --port 9000", says: "another directory, another port" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const startedAt = context.environment.now();
    context.progress.step("Starting …");
    const platform = await context.platform();
    const server = await platform.start(context.configuration, context.signal);
    try {
      const tries = await firstSteps(context, server, platform.exampleDirectory);
      const { dataDir: dataDirectory } = context.configuration.settings;
      announce(context, { version: platform.version, server, dataDirectory, tries, startedAt });
      await untilStopped(context, server);
    } catch (error) {
      await server.stop(0);
      throw error;
    }
  },
};

/** Imports the example where there is nothing yet, and answers what to try. */
async function firstSteps(
  context: CommandContext,
  server: RunningServer,
  example: string | null,
): Promise<readonly TryIt[]> {
  const { client } = server;
  if (
    example !== null &&
    context.options["empty"] !== true &&
    (await client.listVersions({ query: {} })).length === 0
  ) {
    await deployFiles(server, modelSource("/", example, undefined), EXAMPLE, context);
  }
  const endpoints = await client.listEndpoints();
  if (endpoints.length === 0) {
    return [{ says: "Nothing is deployed yet. In another terminal", line: "slipway deploy model.onnx --name NAME" }];
  }
  const hasExample = endpoints.some((endpoint) => endpoint.name === EXAMPLE && endpoint.state === "ready");
  if (example === null || !hasExample) return [];
  const image = shortest(context.environment.workingDirectory, path.join(example, EXAMPLE_IMAGE));
  const url = `${server.inferenceAddress}/v2/models/${EXAMPLE}/predict`;
  return [
    {
      says: "Ask it what digit this is",
      line: `curl -H 'Content-Type: image/png' --data-binary @${shellQuoted(image)} ${url}`,
    },
  ];
}

/** The path as seen from the working directory where that is below it, else in full. */
function shortest(workingDirectory: string, file: string): string {
  const relative = path.relative(workingDirectory, file);
  return relative.startsWith("..") || path.isAbsolute(relative) ? file : relative;
}
