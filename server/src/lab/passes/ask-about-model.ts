// Asking a contained process for a model made from another: the engine is asked about a model that a stranger may have made, so
// whatever does it does it in a process of its own.
import type { ChildProcess } from "node:child_process";
import { text } from "node:stream/consumers";
import {
  askContained,
  type ContainedAnswer,
  type ContainedScript,
  locateModelFiles,
  type ModelFile,
  type ModelFiles,
} from "#runtime";
import { type Clock, slipwayErrorFrom } from "@slipway/core/base";

const TIMEOUT_MS = 300_000;
const MEMORY_LIMIT_BYTES = 8 * 2 ** 30;
const ANSWER_LIMIT_BYTES = 2 ** 29 - 1024;

export interface ModelQuestion<Order> {
  /** `import.meta.url` of who asks: the script lies beside it. */
  readonly beside: string;
  readonly name: string;
  /** What is done, as a sentence begins. */
  readonly what: string;
  readonly files: ModelFiles;
  /** Further models that the script reads, each of one file. */
  readonly others?: readonly ModelFile[] | undefined;
  /** What the script is told, besides where the files are. */
  readonly order: Order;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** The process's whole environment; empty unless said. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Starts the process; contained unless said. */
  readonly start?: ((script: ContainedScript) => Promise<ChildProcess>) | undefined;
}

/** Where what the script reads is. */
export interface LocatedFiles {
  readonly files: ModelFiles;
  readonly others: readonly ModelFile[];
}

/** @throws SlipwayError as `askContained` and what the script answers */
export async function askAboutModel<Order, Answer>(question: ModelQuestion<Order>): Promise<Answer> {
  const { beside, name, what, clock, signal, environment = {}, start } = question;
  const files = await locateModelFiles(question.files);
  const others = await Promise.all(
    (question.others ?? []).map(async (model) => (await locateModelFiles({ model, externalData: [] })).model),
  );
  return await askContained<Answer>({
    beside,
    name,
    what,
    remedy: "Use a smaller model.",
    order: { ...question.order, files, others } satisfies Order & LocatedFiles,
    files: [files.model, ...files.externalData, ...others].map(({ path }) => path),
    memoryLimitBytes: MEMORY_LIMIT_BYTES,
    environment,
    answerLimitBytes: ANSWER_LIMIT_BYTES,
    clock,
    timeoutMs: TIMEOUT_MS,
    signal,
    start,
  });
}

/** The script's side: reads its order, and says the answer or why there is none. */
export async function answerOrder<Order, Answer>(
  answer: (order: Order & LocatedFiles) => Promise<Answer>,
): Promise<void> {
  const order = JSON.parse(await text(process.stdin)) as Order & LocatedFiles;
  let said: ContainedAnswer<Answer>;
  try {
    said = { answer: await answer(order) };
  } catch (error) {
    const { code, message } = slipwayErrorFrom(error);
    said = { code, message };
  }
  process.stdout.write(JSON.stringify(said));
}
