// What an encoder should answer, computed row by row as it is described, without ONNX: float32 arithmetic where the model's
// is, float64 for moments.
import {
  type CategoryEncoding,
  categoryPlaces,
  CYCLES,
  type FittedEncoder,
  ROBUST_LIMIT,
  usedColumns,
} from "./index.ts";
import { blocksOf } from "./features.ts";

export type Row = Readonly<Record<string, number | string>>;

export function encodedByHand({ columns }: Pick<FittedEncoder, "columns">, row: Row): number[] {
  const used = usedColumns(columns);
  const { numbers, indicators, categories, times } = blocksOf(used);
  const features: number[] = [];
  for (const { name, encoding } of numbers) {
    if (encoding.kind !== "number") throw new Error("no number");
    const value = Math.fround(row[name] as number);
    const filled = Number.isNaN(value) ? Math.fround(encoding.imputed) : value;
    const centred = Math.fround(filled - Math.fround(encoding.centre));
    const scaled = Math.fround(centred / Math.fround(encoding.scale));
    const limit = encoding.scaler === "robust" ? ROBUST_LIMIT : Number.POSITIVE_INFINITY;
    features.push(Math.max(-limit, Math.min(limit, scaled)));
  }
  for (const { name } of indicators) features.push(Number.isNaN(row[name]) ? 1 : 0);
  for (const { name, encoding } of categories) features.push(...lit(encoding as CategoryEncoding, row[name]!));
  for (const { name, encoding } of times) {
    if (encoding.kind !== "time") throw new Error("no time");
    const value = row[name] as number;
    const isMissing = Number.isNaN(value);
    const filled = isMissing ? encoding.imputed : value;
    features.push(Math.fround((filled - encoding.centre) / encoding.scale));
    for (const cycle of encoding.cycles) {
      const turns = (filled - CYCLES[cycle].start) / CYCLES[cycle].seconds;
      const angle = (turns - Math.floor(turns)) * 2 * Math.PI;
      features.push(isMissing ? 0 : Math.fround(Math.sin(angle)));
      features.push(isMissing ? 0 : Math.fround(Math.cos(angle)));
    }
    if (encoding.hasMissing) features.push(isMissing ? 1 : 0);
  }
  return features;
}

function lit(encoding: CategoryEncoding, value: number | string): number[] {
  const { other, missing, width } = categoryPlaces(encoding);
  const features = Array.from({ length: width }, () => 0);
  const isMissing = value === "" || Number.isNaN(value);
  const found = (encoding.kept as readonly (number | string)[]).indexOf(value);
  const place = isMissing && missing !== null ? missing : found >= 0 && !isMissing ? found : other;
  if (place !== null) features[place] = 1;
  return features;
}
