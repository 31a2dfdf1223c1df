// A process that is told with a line on its standard input what to do, and answers with a line of JSON; its first line says that it is
// ready.
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { end, spawnOn } from "../processes.ts";

export class AskedProcess {
  readonly name: string;
  /** What it said when it was ready. */
  readonly facts: unknown;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: string, child: ChildProcess, lines: AsyncIterator<string>, facts: unknown) {
    this.name = name;
    this.#child = child;
    this.#lines = lines;
    this.facts = facts;
  }

  /** @throws with its last words where it does not start */
  static async start(name: string, command: readonly string[], cores: readonly number[]): Promise<AskedProcess> {
    const child = spawnOn(command, cores);
    let words = "";
    child.stderr!.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) throw new Error(`${name} did not start: ${words.trim()}`);
    return new AskedProcess(name, child, lines, JSON.parse(first.value) as unknown);
  }

  async ask(what: string): Promise<unknown> {
    this.#child.stdin!.write(`${what}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`${this.name} ended in the midst of its turn.`);
    return JSON.parse(line.value);
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await end(this.#child);
  }
}
