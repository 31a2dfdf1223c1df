// `server.json`: how the command line finds the server that holds a data directory, and the token that proves it may
// read the directory. `holder.json` says of any holder, server or command, who it is.
import { open } from "node:fs/promises";
import { systemCode } from "./disk-errors.ts";
import { READ_SAFELY, replaceFile } from "./files.ts";

/** A running server, as it describes itself. */
export interface ServerFile {
  readonly pid: number;
  /** Such as "http://127.0.0.1:8010". */
  readonly adminAddress: string;
  readonly inferenceAddress: string;
  /** What an administration request has to carry. */
  readonly token: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Slipway's version. */
  readonly version: string;
}

/** Whoever holds a data directory. */
export interface Holder {
  readonly pid: number;
  /** What it is doing, for people: "slipway start". */
  readonly what: string;
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
}

/** Larger than any of these files; more is not read. */
const LIMIT_BYTES = 64 * 1024;

/** Writes one of these files whole, for its owner's eyes only. */
export async function writeFacts(file: string, facts: ServerFile | Holder): Promise<void> {
  await replaceFile(file, `${JSON.stringify(facts, null, 2)}\n`);
}

/** The server described in a file; null where there is none, or it can't be read as one. */
export async function parseServerFile(file: string): Promise<ServerFile | null> {
  const facts = await readFacts(file);
  return hasShape(facts, {
    pid: "number",
    adminAddress: "string",
    inferenceAddress: "string",
    token: "string",
    startedAt: "number",
    version: "string",
  })
    ? (facts as ServerFile)
    : null;
}

export async function parseHolder(file: string): Promise<Holder | null> {
  const facts = await readFacts(file);
  return hasShape(facts, { pid: "number", what: "string", since: "number" }) ? (facts as Holder) : null;
}

async function readFacts(file: string): Promise<unknown> {
  try {
    const handle = await open(file, READ_SAFELY);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(LIMIT_BYTES), 0, LIMIT_BYTES, 0);
      return JSON.parse(buffer.toString("utf8", 0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return null;
    throw error;
  }
}

function hasShape(value: unknown, shape: Readonly<Record<string, "string" | "number">>): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(shape).every(([key, type]) => typeof (value as Record<string, unknown>)[key] === type);
}
