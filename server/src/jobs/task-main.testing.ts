// A job's process for tests: works that count, break, hang and compute without a pause.
import { appendFileSync } from "node:fs";
import { connect } from "node:net";
import { SlipwayError } from "@slipway/core/base";
import { systemClock } from "#runtime";
import { serveJob, type Work } from "./serve-job.ts";

/** Finds the numbers from 1 to `to`, saving each; the first process never comes back from computing after `hangAt`. */
const count: Work = async (order, { saved, report, save, find }) => {
  const { to, hangAt } = order as { readonly to: number; readonly hangAt: number | null };
  const from = (saved as { readonly done: number } | null)?.done ?? 0;
  report({ done: from, total: to, text: String(process.pid) });
  for (let number = from + 1; number <= to; number++) {
    await find(number);
    await save({ done: number });
    if (saved === null && number === hangAt) for (;;);
  }
  return { counted: to, from };
};

const works: Readonly<Record<string, Work>> = {
  count,
  refuse: async () => {
    throw new SlipwayError("ROWS_INVALID", "Row 3 is none.", { details: { row: 3 } });
  },
  break: async () => {
    throw new TypeError("a bug");
  },
  exit: async () => process.exit(7),
  /** What JSON would lose. */
  odd: async (_, { find }) => {
    await find({ ratio: Number.NaN, count: 1n, gone: undefined });
    return Number.POSITIVE_INFINITY;
  },
  /** Hears that it is to stop. */
  wait: (_, { signal, report }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      report({ done: 0, total: null, text: String(process.pid) });
    }),
  /** Does what a model that took its process over would do. */
  reach: async (order) => {
    const { file, port } = order as { readonly file: string; readonly port: number };
    const { promise: connected, resolve } = Promise.withResolvers<string>();
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve("done"));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code!));
    let appended = "done";
    try {
      appendFileSync(file, "x");
    } catch (error) {
      appended = (error as NodeJS.ErrnoException).code!;
    }
    process.stderr.write("reached\n");
    const found = { connected: await connected, appended };
    socket.destroy();
    return found;
  },
  /** Is not kept from going on by what could not be kept. */
  lose: async (_, { find }) =>
    await find(1).then(
      () => "kept",
      (error: SlipwayError) => ({ code: error.code, message: error.message }),
    ),
};

serveJob(works, systemClock);
