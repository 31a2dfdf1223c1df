// What one fault is, and what all of them use: a server with a model that multiplies, and a client that notices when it does not.
import { importModel, infer, scaleModel } from "../../test/platform.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { check, type Figures } from "../campaign.ts";

/** What a fault is given. */
export interface FaultRun {
  /** Connections to use where a fault is made of connections. */
  readonly connections: number;
  readonly directory: string;
  readonly log: (line: string) => void;
}

/** What was seen, or why it could not be tried here. */
export type FaultOutcome = Figures | { readonly skipped: string };

export interface Fault {
  readonly name: string;
  readonly run: (run: FaultRun) => Promise<FaultOutcome>;
}

export const FACTOR = 3;

/** Deploys the model that multiplies by three as `scale`. */
export async function deployScale(server: Pick<ServerProcess, "client">): Promise<void> {
  await importModel(server, "scale", scaleModel(FACTOR));
  await server.client.deploy({ params: { endpoint: "scale" }, body: {} });
}

/** @throws Error where the model does not answer, or wrongly */
export async function requireAnswer({ inferenceAddress }: Pick<ServerProcess, "inferenceAddress">): Promise<number> {
  const start = performance.now();
  const { status, body } = await infer(inferenceAddress, "scale", [1, 2], [1, 2]);
  check(status === 200 && body.outputs?.[0]?.data[1] === 2 * FACTOR, () => `${status} ${JSON.stringify(body)}`);
  return performance.now() - start;
}

/** The code a call is refused with. @throws Error where it is not refused */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason as Error & { code?: string },
  );
  check(error !== null, "It was not refused.");
  return error.code ?? error.message;
}

/** @throws Error where the server does not stop as it should */
export async function stop(server: ServerProcess): Promise<void> {
  server.child.kill("SIGTERM");
  const { code } = await server.exited;
  check(code === 0, () => `The server ended with ${code}: ${server.output().slice(-2000)}`);
}
