// Where a fit is, as bytes: all that a later process needs to go on as if nothing had happened, bit by bit. A head of JSON, then the
// tensors one after the other, and a hash over both, since half a file must never be taken for a whole one.
import { createHash } from "node:crypto";
import { SlipwayError } from "@slipway/core/base";
import { bytesFromData, dataFromBytes, type DType, type NumericData, type NumericDType } from "@slipway/core/tensor";
import type { Tensors } from "./step-engine.ts";

/** An epoch, as it is shown. */
export interface EpochPoint {
  /** From 1. */
  readonly epoch: number;
  /** Steps done by its end. */
  readonly step: number;
  /** The mean over its steps' rows, each before its step. */
  readonly trainingLoss: number;
  /** Null without rows to validate by. */
  readonly validationLoss: number | null;
  /** Accuracy, or R²; null without rows to validate by. */
  readonly validationScore: number | null;
  /** Of its last step. */
  readonly learningRate: number;
  /** Of training, since the begin of the fit, interruptions left out. */
  readonly seconds: number;
}

export interface FitState {
  /** Of what is fitted to what: another plan can't go on from it. */
  readonly plan: string;
  /** Steps done. */
  readonly step: number;
  /** The epoch that is under way, from 0, and steps done of it. */
  readonly epoch: number;
  readonly stepOfEpoch: number;
  /** Sum over the rows of the epoch so far, and how many. */
  readonly lossSum: number;
  readonly lossRows: number;
  readonly seconds: number;
  readonly history: readonly EpochPoint[];
  /** The epoch whose weights are best, from 1, and by what; null before the first was judged. */
  readonly best: { readonly epoch: number; readonly loss: number; readonly weights: Tensors } | null;
  readonly carried: Tensors;
}

interface Head extends Omit<FitState, "best" | "carried"> {
  readonly schema: 1;
  readonly best: { readonly epoch: number; readonly loss: number } | null;
  readonly tensors: readonly {
    readonly of: "best" | "carried";
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly bytes: number;
  }[];
}

const MAGIC = "SLIPWAY FIT 1\n";
const HASH_BYTES = 32;

export function bytesFromFitState({ best, carried, ...facts }: FitState): Uint8Array {
  const groups = [["carried", carried] as const, ...(best === null ? [] : [["best", best.weights] as const])];
  const parts: Uint8Array[] = [];
  const tensors = groups.flatMap(([of, named]) =>
    Array.from(named, ([name, { dtype, shape, data }]) => {
      const bytes = bytesFromData(data as NumericData);
      parts.push(bytes);
      return { of, name, dtype, shape, bytes: bytes.byteLength };
    }),
  );
  const head: Head = {
    schema: 1,
    ...facts,
    best: best === null ? null : { epoch: best.epoch, loss: best.loss },
    tensors,
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.byteLength);
  const body = Buffer.concat([Buffer.from(MAGIC), length, text, ...parts]);
  return new Uint8Array(Buffer.concat([body, createHash("sha256").update(body).digest()]));
}

/** @throws SlipwayError STATE_CONFLICT where the bytes are not what was written, or of a newer form */
export function fitStateFromBytes(bytes: Uint8Array): FitState {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = whole.subarray(0, -HASH_BYTES);
  const isWhole =
    whole.length > MAGIC.length + 4 + HASH_BYTES &&
    body.subarray(0, MAGIC.length).toString() === MAGIC &&
    createHash("sha256").update(body).digest().equals(whole.subarray(-HASH_BYTES));
  if (!isWhole) throw unusable("its bytes are not what was written");
  const from = MAGIC.length + 4;
  const length = body.readUInt32LE(MAGIC.length);
  const { schema, tensors, best, ...facts } = JSON.parse(body.subarray(from, from + length).toString()) as Head;
  if (schema !== 1) throw unusable(`its form ${String(schema)} is of a newer Slipway`);
  const named = { best: new Map(), carried: new Map() };
  let at = from + length;
  for (const { of, name, dtype, shape, bytes: size } of tensors) {
    // A copy, since the bytes of an element may not begin where its array has to.
    const data = dataFromBytes(dtype as NumericDType, Uint8Array.from(body.subarray(at, at + size)));
    named[of].set(name, { dtype, shape, data });
    at += size;
  }
  return { ...facts, best: best === null ? null : { ...best, weights: named.best }, carried: named.carried };
}

function unusable(why: string): SlipwayError {
  return new SlipwayError("STATE_CONFLICT", `A checkpoint can't be gone on from: ${why}. Train anew.`);
}
