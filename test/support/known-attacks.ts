// Attacks on readers and engines of ONNX files that were published, one row each: what it is, a model that does it, and
// how it must end. Sources: advisories of onnx (CVE and GHSA numbers) and issues of onnxruntime.
import {
  createAttribute,
  createGraph,
  createModel,
  createNode,
  createValueInfo,
  type ExternalReference,
  type GraphBuilder,
  graphBuilder,
  type Initializer,
  type Model,
} from "@slipway/core/graph";
import { EXTERNAL_PLACES } from "./hostile-graphs.ts";

export interface KnownAttack {
  readonly source: string;
  readonly what: string;
  readonly make: () => Model | Uint8Array;
  /** Codes the import may be refused with; null where the file alone does not show it. */
  readonly refusedAtImport: readonly string[] | null;
  /** Where it is imported, codes loading it may be refused with; "ok" where it may be served. */
  readonly atLoad?: readonly string[];
  /** Where it is served, what a request may be answered with: a code, or "ok". */
  readonly atRun?: readonly string[];
}

const REFUSED = ["MODEL_INVALID", "MODEL_LOAD_FAILED", "MODEL_TOO_LARGE", "MODEL_UNSUPPORTED"];
const UNSAFE = ["MODEL_UNSAFE"];

function modelOf(build: (graph: GraphBuilder, x: string) => string, opsets: Record<string, number> = {}): Model {
  const graph = graphBuilder({ opset: 17, opsets });
  graph.output("y", build(graph, graph.input("x", "float32", ["N", 2])), "float32", ["N", 2]);
  return graph.model();
}

/** A model that adds a number reduced from something large to its input. */
function bombOf(build: (graph: GraphBuilder) => string): () => Model {
  return () => modelOf((graph, x) => graph.op("Add", [x, graph.op("ReduceMax", [build(graph)], { keepdims: 0 })]));
}

function referring(reference: Partial<ExternalReference>): Initializer {
  const plain = { location: "w.bin", offset: 0, length: 8, checksum: null, others: new Map<string, string>() };
  return {
    kind: "initializer",
    name: "w",
    dtype: "float32",
    shape: [2],
    data: { kind: "external", reference: { ...plain, ...reference } },
    docString: "",
    metadata: new Map(),
    extra: [],
  };
}

function adding(tensor: Initializer): () => Model {
  return () => modelOf((graph, x) => graph.op("Add", [x, graph.initializer(tensor)]));
}

function sparseConstant(location: string): Model {
  const values = { ...referring({ location }), name: "" };
  const indices = { ...values, dtype: "int64" as const };
  const sparse = { kind: "sparse-initializer" as const, values, indices, shape: [2], extra: [] };
  const attributes = [createAttribute("sparse-tensor", "sparse_value", sparse)];
  const floats = { kind: "tensor", dtype: "float32", shape: ["N", 2] } as const;
  return createModel({
    irVersion: 8,
    opsets: new Map([["", 17]]),
    graph: createGraph({
      name: "graph",
      inputs: [createValueInfo("x", floats)],
      outputs: [createValueInfo("y", floats)],
      nodes: [
        createNode({ opType: "Constant", outputs: ["w"], attributes }),
        createNode({ opType: "Add", inputs: ["x", "w"], outputs: ["y"] }),
      ],
    }),
  });
}

function trainingInfo(location: string): Model {
  const model = modelOf((graph, x) => graph.op("Neg", [x]));
  const initialization = createGraph({ name: "start", initializers: [referring({ location })] });
  const binding = { initializationBinding: new Map<string, string>(), updateBinding: new Map<string, string>() };
  return {
    ...model,
    training: [{ kind: "training-info", initialization, algorithm: null, ...binding, extra: [] }],
  };
}

const initializer = EXTERNAL_PLACES["an initializer"]!;
const sparseInitializer = EXTERNAL_PLACES["a sparse initializer"]!;
const branch = EXTERNAL_PLACES["a branch of an If"]!;

const MICROSOFT = { domain: "com.microsoft" };

export const KNOWN_ATTACKS: readonly KnownAttack[] = [
  ...[
    ["CVE-2022-25882", "external data in '../'", () => initializer("../../server.json")],
    ["CVE-2024-27318", "external data in 'a/../../b'", () => initializer("a/../../server.json")],
    ["CVE-2026-27489", "external data by an absolute path", () => initializer("/etc/hostname")],
    [
      "onnxruntime#28709",
      "a sparse initializer at an address in memory",
      () => sparseInitializer("*/_ORT_MEM_ADDR_/*"),
    ],
    ["onnxruntime#28709", "a dense initializer at an address in memory", () => initializer("*/_ORT_MEM_ADDR_/*")],
    ["sparse bypass", "a sparse constant in '../'", () => sparseConstant("../../server.json")],
    ["scanner gap", "external data of a branch in '../'", () => branch("../server.json")],
    ["scanner gap", "external data of the training part in '../'", () => trainingInfo("../server.json")],
    ["CVE-2026-34445", "a tensor that sets 'basepath'", adding(referring({ others: new Map([["basepath", "/etc"]]) }))],
  ].map(([source, what, make]) => ({ source, what, make, refusedAtImport: UNSAFE }) as KnownAttack),
  {
    source: "CVE-2026-34445",
    what: "external data of a length no file has",
    make: adding(referring({ length: Number.MAX_SAFE_INTEGER })),
    refusedAtImport: ["MODEL_INVALID"],
  },
  {
    source: "onnxruntime 1.30",
    what: "a sparse initializer that would be read from the working directory",
    make: () => sparseInitializer(".env"),
    refusedAtImport: ["REQUEST_MALFORMED"],
  },
  {
    source: "CVE-2024-27319",
    what: "a tensor with fewer bytes than its shape takes",
    make: () => {
      const data = { kind: "bytes" as const, bytes: { sizeBytes: 3, read: () => Uint8Array.of(1, 2, 3) } };
      return adding({ ...referring({}), data })();
    },
    refusedAtImport: ["MODEL_INVALID"],
  },
  {
    source: "onnxruntime#28186",
    what: "a file of the engine's own format (.ort)",
    make: () => Buffer.concat([Buffer.from([28, 0, 0, 0]), Buffer.from("ORTM"), Buffer.alloc(5_000, 0x41)]),
    refusedAtImport: ["MODEL_MALFORMED"],
  },
  ...(["EPContext", "PyOp", "PythonOp", "ExternalStreamingOp"] as const).map((opType) => ({
    source: "side doors",
    what: `the operator ${opType}`,
    make: () => modelOf((graph, x) => graph.op(opType, [x], {}, MICROSOFT), { "com.microsoft": 1 }),
    refusedAtImport: UNSAFE,
  })),
  {
    source: "side doors",
    what: "an operator of a library it would bring along",
    make: () =>
      modelOf((graph, x) => graph.op("BertTokenizer", [x], {}, { domain: "ai.onnx.contrib" }), {
        "ai.onnx.contrib": 1,
      }),
    refusedAtImport: null,
    atLoad: REFUSED,
  },
  {
    source: "onnxruntime#28055",
    what: "Expand to a shape whose size overflows",
    make: bombOf((graph) =>
      graph.op("Expand", [graph.values("float32", [1]), graph.values("int64", [2n ** 33n, 2n ** 33n])]),
    ),
    refusedAtImport: null,
    atLoad: [...REFUSED, "ok"],
    atRun: ["RUN_FAILED", "RUNNER_MEMORY"],
  },
  {
    source: "onnxruntime#27265",
    what: "ArrayFeatureExtractor with an index before the start",
    make: () => {
      const index = -(2n ** 40n);
      return modelOf(
        (graph, x) => {
          const one = graph.op(
            "ArrayFeatureExtractor",
            [x, graph.values("int64", [index])],
            {},
            { domain: "ai.onnx.ml" },
          );
          return graph.op("Add", [x, one]);
        },
        { "ai.onnx.ml": 3 },
      );
    },
    refusedAtImport: null,
    atLoad: [...REFUSED, "ok"],
    atRun: ["RUN_FAILED", "INPUT_INVALID"],
  },
  {
    source: "onnxruntime#27430",
    what: "Gather with indices far outside",
    make: () =>
      modelOf((graph, x) => graph.op("Gather", [x, graph.values("int64", [2n ** 40n, -(2n ** 40n)])], { axis: 1 })),
    refusedAtImport: null,
    atLoad: [...REFUSED, "ok"],
    atRun: ["RUN_FAILED", "INPUT_INVALID"],
  },
  ...(
    [
      ["ConstantOfShape", (g) => g.op("ConstantOfShape", [g.values("int64", [20_000n, 20_000n])])],
      ["Tile", (g) => g.op("Tile", [g.values("float32", [1, 2], [1, 2]), g.values("int64", [20_000n, 10_000n])])],
      [
        "Range",
        (g) =>
          g.op(
            "Range",
            [0, 4e8, 1].map((value) => g.values("float32", [value], [])),
          ),
      ],
      ["Pad", (g) => g.op("Pad", [g.values("float32", [1]), g.values("int64", [0n, 2n ** 29n])])],
      ["RandomNormal", (g) => g.op("RandomNormal", [], { shape: [20_000n, 20_000n] })],
      [
        "OneHot",
        (g) =>
          g.op("OneHot", [
            g.values("int64", [1n, 2n]),
            g.values("int64", [2n ** 29n], []),
            g.values("float32", [0, 1]),
          ]),
      ],
      [
        "Resize",
        (g) =>
          g.op("Resize", [
            g.values("float32", [1], [1, 1, 1, 1]),
            "",
            "",
            g.values("int64", [1n, 1n, 20_000n, 20_000n]),
          ]),
      ],
    ] as const satisfies readonly (readonly [string, (graph: GraphBuilder) => string])[]
  ).map(([opType, build]) => ({
    source: "output bombs",
    what: `${opType} of gigabytes`,
    make: bombOf(build),
    refusedAtImport: null,
    atLoad: [...REFUSED, "ok"],
    atRun: ["RUNNER_MEMORY", "RUN_FAILED"],
  })),
];
