// A model as it is while it learns: normalised by its batch, with dropout, where it was exported to be used.
import { SlipwayError } from "#base";
import {
  AttributeReader,
  attributeFrom,
  createNode,
  createValueInfo,
  describeNode,
  float,
  type Initializer,
  initializerFromTensor,
  type Model,
  nameScopeOf,
  type Node,
  tensorOfValues,
} from "#graph";
import { capitalised } from "./operator-gradient.ts";

/** Statistics a step renews: the value that goes in, and the output that it becomes. */
export interface RunningStatistic {
  readonly input: string;
  readonly output: string;
}

export interface TrainingModel {
  readonly model: Model;
  readonly statistics: readonly RunningStatistic[];
}

/** The opset since which BatchNormalization says whether it trains. */
const TRAINING_OPSET = 14;

/**
 * The model in training: BatchNormalization by the batch's statistics, of which the running ones become outputs, and Dropout at
 * work. ONNX keeps the running variance of the batch itself; PyTorch that of the population (n − 1), which no step's loss sees.
 * Statistics that several nodes share are renewed by each in turn, as calling a layer several times does.
 * @throws SlipwayError MODEL_UNSUPPORTED for running statistics that the model does not store
 */
export function inTrainingMode(model: Model): TrainingModel {
  const { graph } = model;
  const scope = nameScopeOf(graph);
  const stored = new Map(graph.initializers.map((one) => [one.name, one]));
  /** What each running statistic has become so far. */
  const renewed = new Map<string, string>();
  const added: Initializer[] = [];
  const trains = (): string => {
    const name = scope.fresh("is_training");
    added.push(initializerFromTensor(name, tensorOfValues("bool", [true], [])));
    return name;
  };
  const constant = (value: number, like: string): string => {
    const name = scope.fresh("share");
    const dtype = stored.get(like)?.dtype ?? "float32";
    added.push(initializerFromTensor(name, tensorOfValues(dtype, [value], [])));
    return name;
  };
  const times = (value: string, factor: number, like: string, output: string): Node =>
    createNode({ opType: "Mul", inputs: [value, constant(factor, like)], outputs: [output] });
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.domain !== "") return [node];
    if (node.opType === "BatchNormalization" && (model.opsets.get("") ?? 1) >= TRAINING_OPSET) {
      const momentum = new AttributeReader(node).float("momentum", 0.9);
      const [inputs, outputs] = [[...node.inputs], [node.outputs[0]!]];
      const [before, after]: [Node[], Node[]] = [[], []];
      for (const index of [3, 4]) {
        const input = node.inputs[index]!;
        if (!stored.has(input)) throw unstored(node, input);
        const [output, batch] = [scope.fresh(`${input}_next`), scope.fresh(`${input}_of_batch`)];
        const [blank, kept, come] = ["blank", "kept", "come"].map((part) => scope.fresh(`${input}_${part}`));
        outputs.push(batch);
        // ONNX Runtime writes the statistics over those it is given, so it is given some that nothing else reads: also no other
        // node with the same statistics, since the engine makes one of what is computed alike.
        const current = renewed.get(input) ?? input;
        before.push(times(current, 0, input, blank!));
        inputs[index] = blank!;
        after.push(times(current, momentum, input, kept!), times(batch, 1 - momentum, input, come!));
        after.push(createNode({ opType: "Add", inputs: [kept!, come!], outputs: [output] }));
        renewed.set(input, output);
      }
      // With a momentum of 0 the operator hands out the batch's own statistics, which its gradient can use.
      const attributes = node.attributes.filter(({ name }) => name !== "training_mode" && name !== "momentum");
      attributes.push(attributeFrom("training_mode", 1), attributeFrom("momentum", float(0)));
      return [...before, { ...node, inputs, outputs, attributes }, ...after];
    }
    if (node.opType === "Dropout") return [{ ...node, inputs: [node.inputs[0]!, node.inputs[1] ?? "", trains()] }];
    return [node];
  });
  const statistics = Array.from(renewed, ([input, output]): RunningStatistic => ({ input, output }));
  const outputs = statistics.map(({ input, output }) => {
    const { dtype, shape } = stored.get(input)!;
    return createValueInfo(output, { kind: "tensor", dtype, shape });
  });
  return {
    model: {
      ...model,
      graph: {
        ...graph,
        nodes,
        initializers: [...graph.initializers, ...added],
        outputs: [...graph.outputs, ...outputs],
      },
    },
    statistics,
  };
}

function unstored(node: Node, statistic: string): SlipwayError {
  return new SlipwayError(
    "MODEL_UNSUPPORTED",
    `${capitalised(describeNode(node))} has the running statistic '${statistic}', which the model does not store, so that no step can renew it. Export the model with its statistics as stored tensors.`,
  );
}
