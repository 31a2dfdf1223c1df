// Sound models damaged at random, imported and deployed on a running platform.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { bytesFromModel } from "@slipway/core/onnx";
import { expect } from "vitest";
import type { RunningServer } from "../../server/src/cli/index.ts";
import { importModel, infer } from "../platform.ts";
import { branching, endlessAtRun, mixing, trapping } from "./hostile-graphs.ts";
import { expectNothingLeaked } from "./leaks.ts";
import { randomFrom } from "./random.ts";

const GOLDENS = path.resolve(import.meta.dirname, "../goldens/models");

export interface AttackSize {
  readonly imports: number;
  /** Of the damaged models that could be imported, how many are deployed. */
  readonly deploys: number;
}

/** Damages models and gives them to the server; what fails tells the seed. `SLIPWAY_TEST_SEED` repeats one. */
export async function attackWithModels(server: RunningServer, { imports, deploys }: AttackSize): Promise<void> {
  const seed = Number(process.env["SLIPWAY_TEST_SEED"] ?? randomBytes(4).readUInt32LE());
  const random = randomFrom(seed);
  const sound = [branching(2, 3), endlessAtRun(), mixing(), trapping()].map(bytesFromModel);
  for (const name of ["loop.onnx", "table.onnx", "if.onnx"]) sound.push(readFileSync(path.join(GOLDENS, name)));
  let deployed = 0;
  const codes = new Set<string>();
  for (let attack = 0; attack < imports; attack++) {
    const context = `seed ${seed}, attack ${attack}`;
    const bytes = damaged(sound[Math.floor(random() * sound.length)]!, random);
    const number = await outcomeOf(importModel(server, "damaged", bytes), context);
    if (typeof number === "string") codes.add(number);
    else if (deployed < deploys && random() < 0.3) {
      deployed++;
      const runtime = { loadTimeoutMs: 5000, runTimeoutMs: 1000, memoryLimitBytes: 2 ** 29, intraOpThreads: 1 };
      const body = { settings: { runtime }, allowBreaking: true, number };
      const live = await outcomeOf(server.client.deploy({ params: { endpoint: "damaged" }, body }), context);
      if (typeof live === "string") codes.add(live);
      else {
        const answer = await infer(server.inferenceAddress, "damaged", [1, 2], [1, 2]);
        expectNothingLeaked(JSON.stringify(answer), context);
        expect(answer.body.code, context).not.toBe("INTERNAL");
      }
    }
  }
  expect(
    [...codes].filter((code) => !code.startsWith("MODEL_") && code !== "REQUEST_MALFORMED"),
    `seed ${seed}`,
  ).toEqual([]);
}

/** What a promise answers, or the code it is refused with. */
async function outcomeOf<Value>(work: Promise<Value>, context: string): Promise<Value | string> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    expectNothingLeaked(message, context);
    expect(code, `${context}: ${message}`).toBeTypeOf("string");
    return code!;
  }
}

/** The bytes with a few changed, taken out, doubled, or cut off. */
function damaged(bytes: Uint8Array, random: () => number): Uint8Array {
  const pick = (below: number) => Math.floor(random() * below);
  if (random() < 0.05) return Uint8Array.from({ length: pick(4096) }, () => pick(256));
  let result = Buffer.from(bytes);
  for (let wounds = 1 + pick(3); wounds > 0 && result.length > 0; wounds--) {
    const at = pick(result.length);
    const end = Math.min(result.length, at + 1 + pick(8));
    const kind = pick(5);
    if (kind === 0) result[at] = pick(256);
    else if (kind === 1) result[at]! ^= 1 << pick(8);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(end)]);
    else if (kind === 3) result = Buffer.concat([result.subarray(0, end), result.subarray(at)]);
    else if (random() < 0.3) result = result.subarray(0, at);
  }
  return result;
}
