// Which stage of a request's life a sample of the profiler belongs to. Read off the call stack: the innermost frame that is
// ours owns it, and what Node does beneath that frame tells reading from writing.

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** What V8 writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Rule {
  readonly stage: string;
  /** The innermost frame's file that is not Node's own; null for stacks of Node's own alone. */
  readonly owner: RegExp | null;
  /** What must be among Node's frames beneath the owner, as FILE FUNCTION. */
  readonly beneath?: RegExp;
  /** What must be anywhere in the stack. */
  readonly within?: RegExp;
}

const SOCKET = /node:(net|internal\/(stream_base_commons|streams\/))/;

/** In this order; the first that holds counts. */
export const FRONT_STAGES: readonly Rule[] = [
  { stage: "write to the runner", owner: /server\/src\/runtime\//, beneath: SOCKET },
  { stage: "frames", owner: /server\/src\/runtime\/|core\/src\/tensor\// },
  { stage: "encode", owner: /core\/src\//, within: /wire\/oip\/(response|classification)/ },
  { stage: "decode", owner: /core\/src\// },
  { stage: "admit and dispatch", owner: /server\/src\/serve\// },
  { stage: "record", owner: /server\/src\/monitor\// },
  {
    stage: "write the answer",
    owner: /server\/src\//,
    beneath: /node:(_http_outgoing|_http_server|net|internal\/stream)/,
  },
  { stage: "route and context", owner: /server\/src\// },
  { stage: "finish the answer", owner: null, beneath: /onFinish|resOnFinish/ },
  { stage: "read and parse HTTP", owner: null, beneath: /node:(_http|internal\/http)|arser/ },
  { stage: "read from the runner", owner: null, beneath: /onStreamRead/ },
  { stage: "streams, ticks and timers", owner: null },
];

export const RUNNER_STAGES: readonly Rule[] = [
  { stage: "run", owner: /onnxruntime/ },
  { stage: "run", owner: null, beneath: /^ run\b/m },
  { stage: "write to the front", owner: /server\/src\/runtime\//, beneath: SOCKET },
  { stage: "join and split", owner: /server\/src\/runtime\/(batch-tensors|array-pool|onnxruntime)/ },
  { stage: "read and write frames", owner: /server\/src\/runtime\/frame/ },
  { stage: "batch", owner: /server\/src\/runtime\// },
  { stage: "read from the front", owner: null, beneath: /onStreamRead/ },
  { stage: "streams, ticks and timers", owner: null },
];

/** What V8 counts apart from functions. */
const APART: ReadonlyMap<string, string> = new Map([
  ["(garbage collector)", "collect garbage"],
  ["(program)", "kernel and native code"],
]);
const OTHER = "else";

/** Share of the time that the thread was not idle, by stage, largest first. */
export function stageShares(profile: CpuProfile, rules: readonly Rule[]): [stage: string, share: number][] {
  const stages = stagesOf(profile.nodes, rules);
  const sums = new Map<string, number>();
  let total = 0;
  for (const [index, node] of profile.samples.entries()) {
    const stage = stages.get(node)!;
    if (stage === null) continue;
    const us = Math.max(0, profile.timeDeltas[index]!);
    sums.set(stage, (sums.get(stage) ?? 0) + us);
    total += us;
  }
  return [...sums].map(([stage, us]): [string, number] => [stage, us / total]).toSorted((a, b) => b[1] - a[1]);
}

/** The stage of every node of the call tree; null for what does not count. */
function stagesOf(nodes: readonly ProfileNode[], rules: readonly Rule[]): Map<number, string | null> {
  const parents = new Map<number, ProfileNode>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  return new Map([...byId].map(([id, node]) => [id, stageOf(stackOf(node, parents), rules)]));
}

function stackOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): ProfileNode["callFrame"][] {
  const stack = [];
  for (let at: ProfileNode | undefined = node; at !== undefined; at = parents.get(at.id)) stack.push(at.callFrame);
  return stack;
}

function stageOf(stack: readonly ProfileNode["callFrame"][], rules: readonly Rule[]): string | null {
  const [leaf] = stack;
  if (leaf!.functionName === "(idle)") return null;
  // The profiler's own start.
  if (stack.some(({ url }) => url.includes("bench/profile/"))) return null;
  const apart = APART.get(leaf!.functionName);
  if (apart !== undefined) return apart;
  const ownerAt = stack.findIndex(({ url }) => url !== "" && !url.startsWith("node:"));
  const owner = ownerAt < 0 ? null : stack[ownerAt]!.url;
  const text = (frames: typeof stack) => frames.map(({ url, functionName }) => `${url} ${functionName}`).join("\n");
  const beneath = text(ownerAt < 0 ? stack : stack.slice(0, ownerAt));
  const whole = text(stack);
  const rule = rules.find(
    (candidate) =>
      (candidate.owner === null ? owner === null : owner !== null && candidate.owner.test(owner)) &&
      (candidate.beneath?.test(beneath) ?? true) &&
      (candidate.within?.test(whole) ?? true),
  );
  return rule?.stage ?? OTHER;
}
