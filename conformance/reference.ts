// The reference server: Triton's HTTP front as pytriton brings it, in a process of its own on a free port.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Environment } from "./environments.ts";

export interface Reference {
  readonly address: string;
  /** Opens what it restricts. */
  readonly token: string;
  stop(): Promise<void>;
}

/** @throws Error with what it wrote, when it ends before it is ready */
export async function startReference(environment: Environment): Promise<Reference> {
  const workspace = await mkdtemp(path.join(os.tmpdir(), "slipway-reference-"));
  const token = randomBytes(12).toString("hex");
  const script = path.join(import.meta.dirname, "clients/reference.py");
  const arguments_ = ["-B", script, String(await freePort()), path.join(workspace, "store"), token];
  const child = spawn(environment.python, arguments_, {
    stdio: ["pipe", "pipe", "pipe"],
    // Triton starts its own Python workers, by name.
    env: { ...process.env, PATH: `${path.join(environment.directory, "bin")}:${process.env["PATH"]}` },
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const closed = once(child, "close");
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
    await closed;
    clearTimeout(timer);
    await rm(workspace, { recursive: true, force: true });
  };
  const { promise: ready, resolve } = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ready: string }).ready);
  });
  const address = await Promise.race([ready, closed]);
  if (typeof address === "string") return { address, token, stop };
  await stop();
  throw new Error(`The reference ended before it was ready: ${errors}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
