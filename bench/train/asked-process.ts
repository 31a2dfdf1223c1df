// A process that is told with a line on its standard input what to do, and answers with a line of JSON; its first line says that it is
// ready.
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { end, spawnOn } from "../processes.ts";

export class AskedProcess {
  readonly name: string;
  #facts: unknown;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** The last it wrote on standard error. */
  #words = "";

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on("data", (chunk: Buffer) => (this.#words = (this.#words + chunk.toString()).slice(-2000)));
  }

  /** What it said when it was ready. */
  get facts(): unknown {
    return this.#facts;
  }

  /** @throws with its last words where it does not start */
  static async start(name: string, command: readonly string[], cores: readonly number[]): Promise<AskedProcess> {
    const asked = new AskedProcess(name, spawnOn(command, cores));
    asked.#facts = await asked.#answer("start");
    return asked;
  }

  async ask(what: string): Promise<unknown> {
    this.#child.stdin!.write(`${what}\n`);
    return await this.#answer("answer");
  }

  async #answer(what: "start" | "answer"): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`${this.name} did not ${what}: ${this.#words.trim()}`);
    return JSON.parse(line.value);
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await end(this.#child);
  }
}
