// The process that profiles one stored model: what to run comes on standard input, what was found goes out, both as JSON. The
// profiler needs a file; its name is taken away as soon as it is there, so nothing is left however this ends.
import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { type ContainedAnswer, createOnnxRuntimeBackend, loadProfiled, readModelFiles, systemClock } from "#runtime";
import type { Session } from "@slipway/core/backend";
import { assert, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { madeUpInputs, withOpenAxes } from "../compute/index.ts";
import type { ProfileOrder, ProfileReport } from "./profile-process.ts";
import { profileFromTrace, type TraceEvent } from "./trace.ts";

const PREFIX = "profile";

async function profile(order: ProfileOrder): Promise<ContainedAnswer<ProfileReport>> {
  try {
    return { answer: await profiled(order) };
  } catch (error) {
    const { code, message } = slipwayErrorFrom(error);
    return { code, message };
  }
}

async function profiled({ files, shapes, session: settings, warmUpRuns, runs }: ProfileOrder): Promise<ProfileReport> {
  const bytes = await readModelFiles(files);
  const plain = await createOnnxRuntimeBackend().load(bytes, settings);
  const watched = await loadProfiled(bytes, settings, PREFIX);
  const descriptor = openNameless();
  try {
    const { signature } = plain;
    const bound = withOpenAxes(signature, shapes);
    const inputs = madeUpInputs(signature, bound);
    const outputs = signature.outputs.map(({ name }) => name);
    for (let run = 0; run < warmUpRuns; run++) {
      await plain.run(inputs, outputs);
      await watched.run(inputs, outputs);
    }
    const plainMs: number[] = [];
    const watchedMs: number[] = [];
    // In turn, and each first every other time, so that both meet the same moods of the machine.
    for (let run = 0; run < runs; run++) {
      const pair = [
        async () => plainMs.push(await timed(plain, inputs, outputs)),
        async () => watchedMs.push(await timed(watched, inputs, outputs)),
      ];
      for (const one of run % 2 === 0 ? pair : pair.reverse()) await one();
    }
    watched.endProfiling();
    const events = readTrace(descriptor);
    return {
      profile: profileFromTrace(events, runs),
      plainMs,
      watchedMs,
      inputs: Object.fromEntries(inputs.map(({ name, shape }) => [name, shape])),
    };
  } finally {
    closeSync(descriptor);
  }
}

async function timed(session: Session, inputs: readonly NamedTensor[], outputs: readonly string[]): Promise<number> {
  const start = systemClock.now();
  await session.run(inputs, outputs);
  return systemClock.now() - start;
}

/** The profiler's file, opened for reading and nameless from here on. */
function openNameless(): number {
  const file = readdirSync(".").find((name) => name.startsWith(PREFIX));
  assert(file !== undefined, "The profiler made no file.");
  const descriptor = openSync(file, "r");
  rmSync(file);
  return descriptor;
}

function readTrace(descriptor: number): readonly TraceEvent[] {
  const bytes = Buffer.alloc(fstatSync(descriptor).size);
  let at = 0;
  while (at < bytes.byteLength) {
    const read = readSync(descriptor, bytes, at, bytes.byteLength - at, at);
    if (read === 0) break;
    at += read;
  }
  try {
    return JSON.parse(bytes.toString("utf8", 0, at)) as readonly TraceEvent[];
  } catch (error) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `The profile ONNX Runtime wrote, ${at} bytes, can't be read; names of nodes with unusual characters do that. Rename the nodes.`,
      { cause: error },
    );
  }
}

process.stdout.write(JSON.stringify(await profile(JSON.parse(await text(process.stdin)) as ProfileOrder)));
