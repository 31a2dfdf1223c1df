// Peers as contenders: installed into a throw-away environment outside the repository, started on the server's core, and
// held still while it is another's turn.
import { readFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, contenderOf } from "../contenders.ts";
import type { Payload } from "../payloads.ts";
import { familyOf, SERVER_CORE, spawnPinned } from "../processes.ts";
import type { Peer } from "./peers.ts";

const READY_MS = 90_000;

/** Where a peer's environment is. */
export function directoryOf({ name }: Pick<Peer, "name">): string {
  const folder = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return path.join(os.tmpdir(), "slipway-peers", folder.replace(/-$/, ""));
}

/** Starts a peer and waits until it answers the request. @throws with its last words when it does not */
export async function startPeer(peer: Peer, modelFile: string, payload: Payload): Promise<Contender> {
  const directory = directoryOf(peer);
  const port = await freePort();
  const { command, env } = peer.start(directory, modelFile, port);
  const child = spawnPinned(command, SERVER_CORE, { cwd: directory, env: { ...process.env, ...env } });
  let words = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  }
  let hasEnded = false;
  child.once("error", (error) => (words += error.message)).once("close", () => (hasEnded = true));
  const contender = contenderOf(peer.name, `http://127.0.0.1:${port}${peer.route}`, child);
  const until = performance.now() + READY_MS;
  while (!(await answers(contender.url, payload))) {
    if (hasEnded || performance.now() > until) {
      if (!hasEnded) await stopWhole(contender);
      throw new Error(`${peer.name} did not become ready: ${words.trim().split("\n").at(-1)}`);
    }
    await sleep(200);
  }
  return { ...contender, stop: () => stopWhole(contender) };
}

async function answers(url: string, { file, headers }: Payload): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(5000);
    const response = await fetch(url, { method: "POST", headers, body: readFileSync(file), signal });
    return response.ok && (await response.text()).includes('"y"');
  } catch {
    return false; // Not listening yet.
  }
}

/** Some peers leave workers behind; those are ours to end too. */
async function stopWhole(contender: Contender): Promise<void> {
  const family = familyOf(contender.pid);
  await contender.stop();
  for (const pid of family) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended with its parent.
    }
  }
}

/** Stops or continues all processes of a contender: some poll while they wait, which would cost the others. */
export function hold(contender: Contender, isHeld: boolean): void {
  try {
    for (const pid of familyOf(contender.pid)) process.kill(pid, isHeld ? "SIGSTOP" : "SIGCONT");
  } catch {
    // It ended, which its next turn finds out.
  }
}

/** A free port whose next two are likely free too: some peers listen on three. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
