// How many numbers a model stores and what they take: initialisers, constants and the weights that are attributes.
import {
  type Attribute,
  type ByteSource,
  byteSourceFromBytes,
  type ExternalLookup,
  type Initializer,
  initializerElementCount,
  initializerSizeBytes,
  type Model,
  nodesOfModel,
  type StoredData,
  tensorFromInitializer,
  tensorsOfModel,
} from "#graph";
import { bytesFromData, byteLength, type DType, type NumericData } from "#tensor";

export interface DTypeParameters {
  readonly dtype: DType;
  readonly tensors: number;
  readonly count: number;
  /** Packed, as in memory; 0 for strings. */
  readonly sizeBytes: number;
}

export interface ParameterCounts {
  /** Elements stored: weights, buffers such as running means, and constants, whatever their type. */
  readonly count: number;
  readonly sizeBytes: number;
  /** The largest first. */
  readonly byDType: readonly DTypeParameters[];
  /** Bytes of `sizeBytes` that lie in other files. */
  readonly externalBytes: number;
}

/**
 * Counts what a model stores, everywhere a tensor can be; one that is stored once and read in several places counts once,
 * as do tensors that refer to the same bytes of an external file. No weights are read.
 * @throws SlipwayError MODEL_INVALID for a shape no tensor can have
 */
export function countParameters(model: Model): ParameterCounts {
  const byDType = new Map<DType, { dtype: DType; tensors: number; count: number; sizeBytes: number }>();
  const places = new Set<unknown>();
  let externalBytes = 0;
  const add = (dtype: DType, count: number): number => {
    const sizeBytes = dtype === "string" ? 0 : byteLength(dtype, count);
    const sum = byDType.get(dtype) ?? { dtype, tensors: 0, count: 0, sizeBytes: 0 };
    byDType.set(dtype, sum);
    sum.tensors++;
    sum.count += count;
    sum.sizeBytes += sizeBytes;
    return sizeBytes;
  };
  for (const { tensor } of tensorsOfModel(model)) {
    const place = placeOf(tensor.data);
    if (places.has(place)) continue;
    places.add(place);
    const sizeBytes = add(tensor.dtype, initializerElementCount(tensor));
    if (tensor.data.kind === "external") externalBytes += sizeBytes;
  }
  for (const { node } of nodesOfModel(model)) {
    if (node.domain !== "ai.onnx.ml" && node.opType !== "Constant") continue;
    for (const attribute of node.attributes) for (const [dtype, count] of storedIn(attribute)) add(dtype, count);
  }
  const rows = [...byDType.values()].toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  const sum = (what: "count" | "sizeBytes"): number => rows.reduce((total, row) => total + row[what], 0);
  return { count: sum("count"), sizeBytes: sum("sizeBytes"), byDType: rows, externalBytes };
}

/** What tells that two tensors are stored in one place. */
function placeOf(data: StoredData): unknown {
  if (data.kind !== "external") return data;
  const { location, offset, length } = data.reference;
  return JSON.stringify([location, offset, length]);
}

/** Weights of scikit-learn's models are lists of floats, and small constants may be lists as well. */
function storedIn(attribute: Attribute): [DType, number][] {
  if (attribute.kind === "floats") return [["float32", attribute.value.length]];
  if (attribute.kind === "ints" && attribute.name === "value_ints") return [["int64", attribute.value.length]];
  if (attribute.kind === "float" && attribute.name === "value_float") return [["float32", 1]];
  if (attribute.kind === "int" && attribute.name === "value_int") return [["int64", 1]];
  return [];
}

export interface DuplicateTensor {
  readonly name: string;
  /** The earlier tensor of the same type, shape and elements. */
  readonly same: string;
  readonly sizeBytes: number;
}

/** Tensors smaller than this are not worth sharing. */
const SMALLEST_BYTES = 1024;
const CHUNK_BYTES = 2 ** 20;

/**
 * Initialisers that hold what an earlier one holds, bit for bit: weights that were shared and then stored twice. Reads
 * those that have a partner of their type and shape, once to compare their hashes and again to be sure.
 * @param external finds external data; without it such tensors are left out
 * @throws SlipwayError MODEL_INVALID where data and shape disagree
 */
export function duplicateTensors(model: Model, external?: ExternalLookup): DuplicateTensor[] {
  const groups = Map.groupBy(storedTensors(model, external), ({ dtype, shape }) => `${dtype}[${shape.join()}]`);
  const duplicates: DuplicateTensor[] = [];
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const earlier = new Map<number, Initializer[]>();
    for (const tensor of group) {
      const source = sourceOf(tensor, external);
      const hash = hashOf(source);
      const alike = earlier.get(hash) ?? [];
      earlier.set(hash, alike);
      const same = alike.find((other) => isSame(source, sourceOf(other, external)));
      if (same === undefined) alike.push(tensor);
      else duplicates.push({ name: tensor.name, same: same.name, sizeBytes: initializerSizeBytes(tensor)! });
    }
  }
  return duplicates;
}

function storedTensors(model: Model, external: ExternalLookup | undefined): Initializer[] {
  const places = new Set<unknown>();
  const found: Initializer[] = [];
  for (const { tensor, place } of tensorsOfModel(model)) {
    const key = placeOf(tensor.data);
    const isAtHand = tensor.data.kind !== "external" || external !== undefined;
    if (place === "sparse-initializer" || places.has(key) || !isAtHand) continue;
    places.add(key);
    if ((initializerSizeBytes(tensor) ?? 0) >= SMALLEST_BYTES) found.push(tensor);
  }
  return found;
}

/** The elements' bytes; they are read in pieces where they need not be decoded. */
function sourceOf(tensor: Initializer, external: ExternalLookup | undefined): ByteSource {
  const { data } = tensor;
  if (data.kind === "bytes") return data.bytes;
  if (data.kind === "external") return external!(data.reference);
  return byteSourceFromBytes(bytesFromData(tensorFromInitializer(tensor).data as NumericData));
}

/** FNV-1a over bytes, in 32 bits. */
function hashOf(source: ByteSource): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) {
    const piece = source.read(at, Math.min(source.sizeBytes, at + CHUNK_BYTES));
    for (let index = 0; index < piece.length; index++) hash = Math.imul(hash ^ piece[index]!, 0x01000193);
  }
  return hash >>> 0;
}

function isSame(a: ByteSource, b: ByteSource): boolean {
  if (a.sizeBytes !== b.sizeBytes) return false;
  for (let at = 0; at < a.sizeBytes; at += CHUNK_BYTES) {
    const end = Math.min(a.sizeBytes, at + CHUNK_BYTES);
    const [mine, others] = [a.read(at, end), b.read(at, end)];
    for (let index = 0; index < mine.length; index++) if (mine[index] !== others[index]) return false;
  }
  return true;
}
