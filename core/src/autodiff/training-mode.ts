// A model as it is while it learns: normalised by its batch, with dropout, where it was exported to be used.
import {
  attributeFrom,
  createValueInfo,
  type Initializer,
  initializerFromTensor,
  type Model,
  nameScopeOf,
  type Node,
  tensorOfValues,
} from "#graph";

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
 */
export function inTrainingMode(model: Model): TrainingModel {
  const { graph } = model;
  const scope = nameScopeOf(graph);
  const statistics: RunningStatistic[] = [];
  const added: Initializer[] = [];
  const trains = (): string => {
    const name = scope.fresh("is_training");
    added.push(initializerFromTensor(name, tensorOfValues("bool", [true], [])));
    return name;
  };
  const nodes = graph.nodes.map((node): Node => {
    if (node.domain !== "") return node;
    if (node.opType === "BatchNormalization" && (model.opsets.get("") ?? 1) >= TRAINING_OPSET) {
      const outputs = [node.outputs[0]!];
      for (const index of [3, 4]) {
        const output = scope.fresh(`${node.inputs[index]!}_next`);
        statistics.push({ input: node.inputs[index]!, output });
        outputs.push(output);
      }
      const attributes = node.attributes.filter(({ name }) => name !== "training_mode");
      return { ...node, outputs, attributes: [...attributes, attributeFrom("training_mode", 1)] };
    }
    if (node.opType === "Dropout") return { ...node, inputs: [node.inputs[0]!, node.inputs[1] ?? "", trains()] };
    return node;
  });
  const dtypes = new Map(graph.initializers.map((one) => [one.name, one]));
  const outputs = statistics.map(({ input, output }) => {
    const stored = dtypes.get(input);
    return createValueInfo(
      output,
      stored === undefined ? null : { kind: "tensor", dtype: stored.dtype, shape: stored.shape },
    );
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
