// The names of features, in the order of the encoder's output: numbers of all columns, then what is missing of them, then
// the categories, then times, each by the order of columns.
import { categoryPlaces, type EncodedFeature, type UsedColumn } from "./encoding.ts";

/** The blocks of the output, in order. */
export interface FeatureBlocks {
  readonly numbers: readonly UsedColumn[];
  readonly indicators: readonly UsedColumn[];
  readonly categories: readonly UsedColumn[];
  readonly times: readonly UsedColumn[];
}

export function blocksOf(columns: readonly UsedColumn[]): FeatureBlocks {
  const numbers = columns.filter(({ encoding }) => encoding.kind === "number");
  return {
    numbers,
    indicators: numbers.filter(({ encoding }) => encoding.hasMissing),
    categories: columns.filter(({ encoding }) => encoding.kind === "categories"),
    times: columns.filter(({ encoding }) => encoding.kind === "time"),
  };
}

export function featuresOf(columns: readonly UsedColumn[]): readonly EncodedFeature[] {
  const { numbers, indicators, categories, times } = blocksOf(columns);
  return [
    ...numbers.map(({ name }) => ({ name, column: name })),
    ...indicators.map(({ name }) => ({ name: `${name} is missing`, column: name })),
    ...categories.flatMap(categoryFeatures),
    ...times.flatMap(timeFeatures),
  ];
}

function categoryFeatures({ name, encoding }: UsedColumn): readonly EncodedFeature[] {
  if (encoding.kind !== "categories") return [];
  const { other, missing } = categoryPlaces(encoding);
  const names = [
    ...encoding.kept.map((value) => `${name} = ${value}`),
    ...(other === null ? [] : [`${name} is rare or new`]),
    ...(missing === null ? [] : [`${name} is missing`]),
  ];
  return names.map((one) => ({ name: one, column: name }));
}

function timeFeatures({ name, encoding }: UsedColumn): readonly EncodedFeature[] {
  if (encoding.kind !== "time") return [];
  const names = [
    name,
    ...encoding.cycles.flatMap((cycle) => [`${name}: ${cycle} (sine)`, `${name}: ${cycle} (cosine)`]),
    ...(encoding.hasMissing ? [`${name} is missing`] : []),
  ];
  return names.map((one) => ({ name: one, column: name }));
}
