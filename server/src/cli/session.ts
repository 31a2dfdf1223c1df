// The same administration API whether a server runs on the data directory or not: its client, or the operations on the
// directory itself, which is locked meanwhile.
import { SlipwayError } from "@slipway/core/base";
import type { Settings } from "#config";
import { type Client, createClient } from "slipway/client";
import type { Platform } from "./platform.ts";

/** A running server, or the directory opened by this process. */
export type Session = OpenClient &
  (
    | {
        readonly kind: "server";
        /** With the token: whoever opens it is let in. */
        readonly consoleAddress: string;
      }
    | { readonly kind: "offline" }
  );

interface OpenClient {
  readonly client: Client;
  close(): Promise<void>;
}

/**
 * Finds the server of the data directory, or opens the directory.
 * @throws SlipwayError DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_INVALID
 */
export async function openSession(platform: Platform, settings: Settings): Promise<Session> {
  const server = await platform.findServer(settings.dataDir);
  if (server !== null) {
    const client = createClient({ address: server.adminAddress, token: server.token, fetch: reachableFetch });
    const { href } = new URL(`/?token=${server.token}`, server.adminAddress);
    return { kind: "server", client, consoleAddress: href, close: async () => {} };
  }
  const store = await platform.openOffline(settings);
  return { kind: "offline", client: store.client, close: () => store.close() };
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
