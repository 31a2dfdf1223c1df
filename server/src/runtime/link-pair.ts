// The two ends of a link between two of our processes, made here to be handed to them: Node has no socketpair, so a socket
// in a directory that only we can enter stands in for it, and is gone as soon as both ends are there.
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

export interface LinkPair {
  /** Reads nothing until it is handed on. */
  readonly still: Socket;
  readonly other: Socket;
}

/** @param directory where the socket is for a moment; the system's temporary directory, usually */
export async function createLinkPair(directory: string): Promise<LinkPair> {
  const own = mkdtempSync(join(directory, "slipway-link-"));
  const server = createServer({ pauseOnConnect: true });
  server.maxConnections = 1;
  try {
    const path = join(own, "link");
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const other = connect(path);
    await new Promise<void>((resolve, reject) => {
      other.once("connect", resolve);
      other.once("error", reject);
    });
    return { still: await accepted, other };
  } finally {
    server.close();
    rmSync(own, { recursive: true, force: true });
  }
}
