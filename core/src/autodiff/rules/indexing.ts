// Gradients of operators that pick elements by their places or put them there. Picking and adding are each other's adjoint.
import { ADDING_OPSET } from "../emitter.ts";
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

/** The attributes of a scatter that adds. @throws SlipwayError GRADIENT_UNAVAILABLE for operator sets where none does */
export function adding(call: OperatorCall): { readonly reduction: "add" } {
  if (call.e.opset >= ADDING_OPSET) return { reduction: "add" };
  throw call.unavailable(
    `has a gradient that adds at places, which version ${call.e.opset} of the operator set can't; export the model for ${ADDING_OPSET} or later`,
  );
}

/**
 * G put back to where its elements came from, 0 elsewhere, for an operator that copies elements of its first input.
 * @param move does with the places of the elements, int64 in the input's shape, what the operator does with the elements
 * @param isRepeated whether an element may come to several places, whose gradients then add up
 */
export function placeBack(call: OperatorCall, move: (positions: string) => string, isRepeated = false): string {
  const { e } = call;
  const size = e.of("int64").op("Size", [call.x()]);
  const everyPlace = e.of("int64").op("Range", [e.of("int64").number(0), size, e.of("int64").number(1)]);
  return scatterFlat(call, move(call.inShapeOf(everyPlace)), isRepeated);
}

/** G put at places of the flattened input, 0 elsewhere. */
export function scatterFlat(call: OperatorCall, places: string, isRepeated: boolean): string {
  const { e } = call;
  const flat = (x: string): string => e.reshape(x, e.ints([-1]));
  const size = e.op("Unsqueeze", [e.op("Size", [call.x()]), e.ints([0])]);
  const scattered = e.op("ScatterElements", [e.filled(size, 0), flat(places), flat(call.g)], {
    axis: 0,
    ...(isRepeated ? adding(call) : {}),
  });
  return call.inShapeOf(scattered);
}

const gather = rule("dX = G added at the places it was picked from, 0 elsewhere", (call) => [
  () => {
    const { e } = call;
    const rank = call.rank(0);
    const axis = call.axis(call.int("axis", 0), rank);
    const picked = call.rank(1);
    const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
    // The picked axis, and in G the axes of the indices, are brought to the front.
    const toFront = [...range(axis, axis + picked), ...range(0, axis), ...range(axis + picked, rank - 1 + picked)];
    const shape = call.e.op("Gather", [
      e.shapeOf(call.x()),
      e.ints([axis, ...range(0, axis), ...range(axis + 1, rank)]),
    ]);
    const places = e.op("Unsqueeze", [call.x(1), e.ints([-1])]);
    const zeros = e.filled(axis === 0 ? e.shapeOf(call.x()) : shape, 0);
    const scattered = e.op("ScatterND", [zeros, places, e.transpose(call.g, toFront)], adding(call));
    return e.transpose(scattered, [...range(1, axis + 1), 0, ...range(axis + 1, rank)]);
  },
  null,
]);

const gatherElements = rule("dX = G added at the places it was picked from, 0 elsewhere", (call) => [
  () =>
    call.e.op("ScatterElements", [call.e.zerosLike(call.x()), call.x(1), call.g], {
      axis: call.int("axis", 0),
      ...adding(call),
    }),
  null,
]);

const gatherND = rule("dX = G added at the places it was picked from, 0 elsewhere", (call) => [
  () => call.e.op("ScatterND", [call.e.zerosLike(call.x()), fullPlaces(call), call.g], adding(call)),
  null,
]);

/** The places of a GatherND through the whole input: those in stacks have the stack's own number in front. */
function fullPlaces(call: OperatorCall): string {
  const { e } = call;
  const int = e.of("int64");
  const stacked = call.int("batch_dims", 0);
  if (stacked === 0) return call.x(1);
  const rank = call.rank(1);
  const lengths = int.op("Slice", [int.shapeOf(call.x(1)), int.ints([0]), int.ints([rank - 1])]);
  const one = int.concat([lengths, int.ints([1])], 0);
  const stacks = Array.from({ length: stacked }, (_, axis) => {
    const length = int.reshape(int.lengthOf(call.x(1), axis), int.ints([]));
    const numbers = int.op("Range", [0, length, 1]);
    const others = Array.from({ length: rank }, (_unused, at) => at).filter((at) => at !== axis);
    return int.op("Expand", [int.unsqueeze(numbers, others), one]);
  });
  return int.concat([...stacks, call.x(1)], rank - 1);
}

/** The rule of an operator that puts updates at places of its data, or adds them there. */
function scatter(opType: "ScatterElements" | "ScatterND", pick: string): OperatorGradient {
  return rule(
    "ddata = G, 0 where it was replaced; dupdates = G at their places",
    (call) => {
      const { e } = call;
      const reduction = call.string("reduction", "none");
      if (reduction !== "none" && reduction !== "add")
        throw call.unavailable(`combines by "${reduction}", which has no gradient here`);
      const attributes = opType === "ScatterElements" ? { axis: call.int("axis", 0) } : {};
      return [
        () => (reduction === "add" ? call.g : e.op(opType, [call.g, call.x(1), e.zerosLike(call.x(2))], attributes)),
        null,
        () => e.op(pick, [call.g, call.x(1)], attributes),
      ];
    },
    "not where it multiplies or takes the extremum; places that are given twice must be added to",
  );
}

export const INDEXING: Readonly<Record<string, OperatorGradient>> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatter("ScatterElements", "GatherElements"),
  ScatterND: scatter("ScatterND", "GatherND"),
  TopK: rule("dX = G at the places of the values, 0 elsewhere", (call) => [
    () => call.e.op("ScatterElements", [call.e.zerosLike(call.x()), call.y(1), call.g], { axis: call.int("axis", -1) }),
    null,
  ]),
};
