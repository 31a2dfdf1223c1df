// Gradients of losses that are operators.
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

/** What each label's place contributes: its class's weight, 0 where it is ignored; and what the loss divides by. */
function labelWeights(call: OperatorCall): { readonly weights: string; readonly isUniform: boolean } {
  const { e } = call;
  const labels = call.x(1);
  const isIgnored = call.hasAttribute("ignore_index")
    ? e.equal(labels, e.cast(e.of("int64").number(call.int("ignore_index", 0)), labelType(call)))
    : null;
  if (!call.hasInput(2)) {
    if (isIgnored === null) return { weights: e.filled(e.shapeOf(labels), 1), isUniform: true };
    return { weights: e.where(isIgnored, 0, 1), isUniform: false };
  }
  // A label that is ignored may be no class, so it is looked up as class 0.
  const zero = e.cast(e.of("int64").number(0), labelType(call));
  const looked = isIgnored === null ? labels : e.where(isIgnored, zero, labels);
  const weights = e.op("Gather", [call.x(2), looked]);
  return { weights: isIgnored === null ? weights : e.where(isIgnored, 0, weights), isUniform: false };
}

function labelType(call: OperatorCall): "int32" | "int64" {
  return call.e.dtypeOf(call.x(1)) === "int32" ? "int32" : "int64";
}

/** G·w for each label, divided by the sum of weights where the loss is a mean; [N, 1, …]. */
function perLabel(call: OperatorCall): string {
  const { e } = call;
  const { weights } = labelWeights(call);
  const reduction = call.string("reduction", "mean");
  const total = (): string => e.op("ReduceSum", [weights], { keepdims: 0 });
  const shared = reduction === "mean" ? e.div(call.g, total()) : call.g;
  return e.unsqueeze(e.mul(weights, shared), [1]);
}

/** 1 at each label's class, [N, C, …]. */
function oneHot(call: OperatorCall): string {
  const { e } = call;
  return e.op("OneHot", [call.x(1), e.lengthOf(call.x(), 1), e.values([0, 1], [2])], { axis: 1 });
}

export const LOSSES: Readonly<Record<string, OperatorGradient>> = {
  SoftmaxCrossEntropyLoss: rule(
    "dX = (softmax X − one-hot label) · G · weight of the label, divided by the weights' sum where the loss is a mean; by its log-probabilities as LogSoftmax",
    (call) => {
      const { e } = call;
      const byLogarithms = (g: string, softmax: string): string => e.sub(g, e.mul(softmax, e.sum(g, [1])));
      return [
        () => {
          const softmax = e.exp(call.demandOutput(1));
          const logarithms = call.upstream(1);
          const byLoss = (): string => e.mul(e.sub(softmax, oneHot(call)), perLabel(call));
          if (logarithms === null) return byLoss();
          const other = byLogarithms(logarithms, softmax);
          return call.upstream(0) === null ? other : e.add(byLoss(), other);
        },
        null,
        null,
      ];
    },
  ),
  NegativeLogLikelihoodLoss: rule(
    "dX = −one-hot label · G · weight of the label, divided by the weights' sum where the loss is a mean",
    (call) => [() => call.e.neg(call.e.mul(oneHot(call), perLabel(call))), null, null],
  ),
};
