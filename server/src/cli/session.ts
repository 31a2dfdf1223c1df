// The same administration API whether a server runs on the data directory or not: its client, or the operations on the
// directory itself, which is locked meanwhile.
import { SlipwayError } from "@slipway/core/base";
import type { Configuration } from "#config";
import { type Client, createClient } from "slipway/client";
import type { Platform, ServerLocation } from "./platform.ts";
import { findServeServer } from "./temporary-server.ts";

/** A running server, or the directory opened by this process. */
export type Session = OpenClient &
  (
    | {
        readonly kind: "server";
        /** With the token: whoever opens it is let in. */
        readonly consoleAddress: string;
        /** Of `slipway serve`: nothing of it is kept. */
        readonly isTemporary: boolean;
      }
    | { readonly kind: "offline" }
  );

interface OpenClient {
  readonly client: Client;
  /** Has a job carried out that was queued. A server sees to that by itself; without one this command does, while it runs. */
  carryOut(id: string): void;
  close(): Promise<void>;
}

/** A server, and whether it is one of `slipway serve`. */
export interface FoundServer extends ServerLocation {
  readonly isTemporary: boolean;
}

/**
 * The server of the data directory. Where none runs there, nobody said which directory is meant, and the command is
 * about what runs rather than what is kept: that of `slipway serve`.
 */
export async function findServer(
  platform: Platform,
  configuration: Configuration,
  reachesServe: boolean,
): Promise<FoundServer | null> {
  const server = await platform.findServer(configuration.settings.dataDir);
  if (server !== null) return { ...server, isTemporary: false };
  const isNamed = configuration.values.some(({ setting, source }) => setting.key === "dataDir" && source !== "default");
  const served = reachesServe && !isNamed ? await findServeServer(platform) : null;
  return served === null ? null : { ...served, isTemporary: true };
}

/**
 * The server that was found, or the directory opened.
 * @throws SlipwayError DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_INVALID
 */
export async function openSession(
  platform: Platform,
  { settings }: Configuration,
  server: FoundServer | null,
): Promise<Session> {
  if (server !== null) {
    const { isTemporary } = server;
    const client = createClient({ address: server.adminAddress, token: server.token, fetch: reachableFetch });
    const { href } = new URL(`/?token=${server.token}`, server.adminAddress);
    return { kind: "server", client, consoleAddress: href, isTemporary, carryOut: () => {}, close: async () => {} };
  }
  const store = await platform.openOffline(settings);
  return { kind: "offline", ...store };
}

/** As fetch, with a coded error where nobody answers: fetch's own says only "fetch failed". */
export const reachableFetch: typeof fetch = async (input, init) => {
  try {
    return await fetch(input, init);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    const address = new URL(input instanceof Request ? input.url : input).origin;
    throw new SlipwayError("SERVER_UNREACHABLE", `No server answers at ${address}: ${causeOf(error)}.`, {
      cause: error,
    });
  }
};

/** What is thrown where only a running server will do. */
export function noServerError(dataDirectory: string): SlipwayError {
  return new SlipwayError("SERVER_UNREACHABLE", `No server runs on the data directory ${dataDirectory}.`);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code === "ECONNREFUSED") return "the connection was refused";
  return cause instanceof Error && cause.message !== "" ? cause.message : (code ?? String(cause));
}
