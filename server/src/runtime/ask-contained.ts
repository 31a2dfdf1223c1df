// Asking a contained process one question: it gets an order on its standard input, says one answer on its standard output, both
// as JSON, and ends. What it is asked about may make it hang, crash, take all memory or talk without end; each is an error here.
import type { ChildProcess } from "node:child_process";
import { type Clock, ERRORS, type ErrorCode, SlipwayError } from "@slipway/core/base";
import { type ContainedScript, startContainedScript } from "./contained-child.ts";

/** What such a process says: what it was asked for, or why it can't. */
export type ContainedAnswer<Answer> =
  | { readonly answer: Answer }
  | { readonly code: ErrorCode; readonly message: string };

export interface ContainedQuestion extends ContainedScript {
  /** What is done, as a sentence begins: "Examining the model". */
  readonly what: string;
  /** What to do where it takes too much, as a sentence: "Use smaller input shapes." */
  readonly remedy: string;
  readonly order: unknown;
  readonly clock: Clock;
  /** Past it the process is killed. */
  readonly timeoutMs: number;
  /** Most it may say. */
  readonly answerLimitBytes: number;
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
  /** Starts the process; contained unless said. */
  readonly start?: ((script: ContainedScript) => Promise<ChildProcess>) | undefined;
}

/**
 * Asks, and waits for the answer and the process's end.
 * @throws SlipwayError what the process says; MODEL_LOAD_TIMEOUT past the time limit, MODEL_TOO_LARGE where the process ends of
 *   itself or says too much, REQUEST_CANCELLED where the signal gave it up
 */
export async function askContained<Answer>(question: ContainedQuestion): Promise<Answer> {
  const { what, remedy, order, clock, timeoutMs, answerLimitBytes, signal, memoryLimitBytes } = question;
  signal?.throwIfAborted();
  const child = await (question.start ?? startContainedScript)(question);
  let refusal: SlipwayError | null = null;
  const end = (code: ErrorCode, message: string): void => {
    refusal ??= new SlipwayError(code, message);
    child.kill("SIGKILL");
  };
  const giveUp = (): void => end("REQUEST_CANCELLED", `${what} was given up.`);
  const cancelTimer = clock.after(timeoutMs, () =>
    end("MODEL_LOAD_TIMEOUT", `${what} took longer than ${timeoutMs} ms. ${remedy}`),
  );
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted === true) giveUp();
  try {
    const text = await textOf(child, JSON.stringify(order), answerLimitBytes, () =>
      end("MODEL_TOO_LARGE", `${what} said more than ${answerLimitBytes} bytes. Simplify the graph.`),
    );
    if (refusal !== null) throw refusal as SlipwayError;
    const said = answerFrom<Answer>(text);
    if (said === null) {
      throw new SlipwayError(
        "MODEL_TOO_LARGE",
        `${what} ended its process, most likely for want of memory (${memoryLimitBytes} bytes). ${remedy}`,
      );
    }
    if ("answer" in said) return said.answer;
    throw new SlipwayError(Object.hasOwn(ERRORS, said.code) ? said.code : "INTERNAL", said.message);
  } finally {
    cancelTimer();
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * All a process writes until it ends, once it was told its order.
 * @throws Error where it could not be started
 */
async function textOf(child: ChildProcess, order: string, limitBytes: number, isTooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) isTooMuch();
    else chunks.push(chunk);
  });
  // One that ends before it has read its order tells by its end.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(order);
  await new Promise((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  return Buffer.concat(chunks).toString("utf8");
}

/** The answer, or null where the process ended before it had said it. */
function answerFrom<Answer>(text: string): ContainedAnswer<Answer> | null {
  try {
    return JSON.parse(text) as ContainedAnswer<Answer>;
  } catch {
    return null;
  }
}
