// Runs the cases of clients/ against one server and reads their outcomes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

export interface Outcome {
  readonly case: string;
  /** Which client asked: tritonclient's two, or Python's own HTTP client. */
  readonly client: "sync" | "asyncio" | "wire";
  readonly route: string;
  readonly method: string;
  /** Whether what the case asserts held. */
  readonly ok: boolean;
  /** What came back, in plain data; where it did not hold, what did not. */
  readonly seen: unknown;
  /** Why the reference is not asked. */
  readonly oursOnly?: string;
}

export interface CasesOptions {
  readonly python: string;
  readonly address: string;
  /** More of clients/triton.py's options. */
  readonly options: readonly string[];
}

/** What every case saw. */
export async function runCases({ python, address, options }: CasesOptions): Promise<Outcome[]> {
  const script = path.join(import.meta.dirname, "clients/triton.py");
  const child = spawn(python, ["-B", script, address, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const outcomes: Outcome[] = [];
  let errors = "";
  // The clients print a traceback of each refusal they pass on; kept only for a run that breaks off.
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const closed = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) outcomes.push(JSON.parse(line) as Outcome);
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`The cases broke off with ${code}: ${errors}`);
  return outcomes;
}
