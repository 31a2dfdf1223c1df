// The models that clients are tried against: small enough that every number is known beforehand, and between them every
// datatype, batched and unbatched, one and several tensors. clients/reference.py serves the same in Python.
import { type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import { DTYPES, type DType } from "@slipway/core/tensor";

/** The datatypes that have a JSON form; each has an input `IN_X` and an output `OUT_X` of the model `types`. */
const PORTABLE: readonly DType[] = [
  "bool",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "int8",
  "int16",
  "int32",
  "int64",
  "float32",
  "float64",
  "string",
];
/** Of the model that takes long: a square matrix as often as this by one that leaves it as it is, about 0.25 s a request. */
const SLOW_STEPS = 200;
const SLOW_WIDTH = 384;

/** Endpoint → its model. */
export const MODELS: Readonly<Record<string, () => Model>> = {
  add_sub: () => {
    const graph = graphBuilder();
    const a = graph.input("INPUT0", "float32", ["N", 16]);
    const b = graph.input("INPUT1", "float32", ["N", 16]);
    graph.output("OUTPUT0", graph.op("Add", [a, b]), "float32", ["N", 16]);
    graph.output("OUTPUT1", graph.op("Sub", [a, b]), "float32", ["N", 16]);
    return graph.model();
  },
  scores: () => echo("float32", ["N", 4]),
  text: () => echo("string", ["N"]),
  types: () => {
    const graph = graphBuilder();
    for (const dtype of PORTABLE) {
      const name = DTYPES[dtype].oip!;
      const shape = [`rows_${name}`, `columns_${name}`];
      graph.output(`OUT_${name}`, graph.op("Identity", [graph.input(`IN_${name}`, dtype, shape)]), dtype, shape);
    }
    return graph.model();
  },
  half: () => echo("float16", ["rows", "columns"]),
  slow: () => {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", ["N", 1]);
    const mean = matrixOf(graph, graph.op("ReduceMean", [x], { keepdims: 0 }));
    const zero = graph.op("Mul", [graph.op("ReduceMean", [mean], { keepdims: 0 }), graph.values("float32", [0])]);
    graph.output("y", graph.op("Add", [x, zero]), "float32", ["N", 1]);
    return graph.model();
  },
};

function echo(dtype: DType, shape: readonly string[] | readonly [string, number]): Model {
  const graph = graphBuilder();
  graph.output("y", graph.op("Identity", [graph.input("x", dtype, shape)]), dtype, shape);
  return graph.model();
}

/** A scalar spread over a matrix and multiplied by the mean's matrix again and again, which takes time and changes nothing. */
function matrixOf(graph: GraphBuilder, scalar: string): string {
  const size = [SLOW_WIDTH, SLOW_WIDTH];
  const weights = {
    dtype: "float32" as const,
    shape: size,
    data: new Float32Array(SLOW_WIDTH ** 2).fill(1 / SLOW_WIDTH),
  };
  const weight = graph.constant(weights);
  let matrix = graph.op("Expand", [scalar, graph.values("int64", size)]);
  for (let step = 0; step < SLOW_STEPS; step++) matrix = graph.op("MatMul", [matrix, weight]);
  return matrix;
}
