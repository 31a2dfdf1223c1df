// What a profile of ONNX Runtime says, read: the events of its trace, summed by node and by operator. Pure.
//
// The trace is a list of events in the Trace Event Format: one "Node" event for each run of each node, named after it with the
// ending "_kernel_time", and one "model_run" of category "Session" around each run of the model. Times are whole microseconds.

/** As far as it is read here; a model names its nodes, so nothing is taken for granted. */
export interface TraceEvent {
  readonly cat?: unknown;
  readonly name?: unknown;
  /** Microseconds. */
  readonly dur?: unknown;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A node as the engine runs it: after its optimisations, so it may stand for several of the file's nodes. */
export interface ProfiledNode {
  readonly name: string;
  readonly operator: string;
  /** Execution provider it ran on. */
  readonly provider: string;
  /** Place in the engine's graph; null where it was not said. */
  readonly index: number | null;
  /** Microseconds in all runs. */
  readonly totalUs: number;
  /** How often it ran, over all runs. */
  readonly calls: number;
  /** "float[1, 16, 28, 28]", of its last run. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Bytes of its last run. */
  readonly outputBytes: number;
  readonly parameterBytes: number;
  readonly activationBytes: number;
}

export interface ProfiledOperator {
  readonly operator: string;
  readonly provider: string;
  readonly nodes: number;
  readonly calls: number;
  readonly totalUs: number;
  /** Of the time of all nodes. */
  readonly share: number;
}

export interface Profile {
  /** Runs of the model that were counted. */
  readonly runs: number;
  /** Microseconds of these runs, as the engine times them around everything it does. */
  readonly runUs: number;
  /** Microseconds of all nodes in them; the rest is between nodes. */
  readonly nodeUs: number;
  /** Most time first. */
  readonly nodes: readonly ProfiledNode[];
  readonly operators: readonly ProfiledOperator[];
  /** Most bytes its allocator had handed out at once; null where the engine does not say. */
  readonly peakBytes: number | null;
  /** Whether all runs that were asked for are in it; past a million events the engine keeps none. */
  readonly isWhole: boolean;
}

const ENDING = "_kernel_time";
/** Operators with bodies, whose nodes have events of their own; their time would count twice. */
const WITH_BODIES: ReadonlySet<unknown> = new Set(["If", "Loop", "Scan"]);
/** Of names and shapes, which a model chooses. */
const LONGEST_TEXT = 200;

/**
 * Sums a trace over its last runs.
 * @param events in the order they were written, in which each run's nodes come before the run itself
 * @param runs how many of the last runs count; those before warmed up
 */
export function profileFromTrace(events: readonly TraceEvent[], runs: number): Profile {
  const ends = events.flatMap((event, index) => (isRun(event) ? [index] : []));
  const counted = ends.slice(-runs);
  const before = ends.length > counted.length ? ends[ends.length - counted.length - 1]! : -1;
  const last = counted.at(-1) ?? -1;
  const nodes = new Map<string, Writable<ProfiledNode>>();
  let peakBytes: number | null = null;
  for (const event of events.slice(before + 1, last + 1)) {
    const { name, args = {} } = event;
    if (event.cat !== "Node" || typeof name !== "string" || !name.endsWith(ENDING)) continue;
    if (WITH_BODIES.has(args["op_name"])) continue;
    addTo(nodes, name.slice(0, -ENDING.length), event, args);
    const peak = numberIn(args, "mem_in_use_peak");
    if (peak !== null) peakBytes = Math.max(peakBytes ?? 0, peak);
  }
  const all = [...nodes.values()].sort((a, b) => b.totalUs - a.totalUs);
  const nodeUs = all.reduce((sum, { totalUs }) => sum + totalUs, 0);
  return {
    runs: counted.length,
    runUs: counted.reduce((sum, index) => sum + durationOf(events[index]!), 0),
    nodeUs,
    nodes: all,
    operators: byOperator(all, nodeUs),
    peakBytes,
    isWhole: counted.length === runs,
  };
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

function addTo(
  nodes: Map<string, Writable<ProfiledNode>>,
  name: string,
  event: TraceEvent,
  args: Readonly<Record<string, unknown>>,
): void {
  const index = numberIn(args, "node_index");
  const operator = textIn(args, "op_name");
  // Bodies have places of their own, and a model may give two nodes one name.
  const key = JSON.stringify([index, operator, name]);
  const known = nodes.get(key);
  const facts = {
    inputs: shapesIn(args, "input_type_shape"),
    outputs: shapesIn(args, "output_type_shape"),
    outputBytes: numberIn(args, "output_size") ?? 0,
    parameterBytes: numberIn(args, "parameter_size") ?? 0,
    activationBytes: numberIn(args, "activation_size") ?? 0,
  };
  if (known !== undefined) {
    Object.assign(known, facts);
    known.totalUs += durationOf(event);
    known.calls++;
    return;
  }
  const provider = textIn(args, "provider");
  nodes.set(key, {
    name: name.slice(0, LONGEST_TEXT),
    operator,
    provider,
    index,
    totalUs: durationOf(event),
    calls: 1,
    ...facts,
  });
}

function byOperator(nodes: readonly ProfiledNode[], nodeUs: number): readonly ProfiledOperator[] {
  const groups = Map.groupBy(nodes, ({ operator, provider }) => JSON.stringify([operator, provider]));
  return [...groups.values()]
    .map((group) => {
      const totalUs = group.reduce((sum, one) => sum + one.totalUs, 0);
      return {
        operator: group[0]!.operator,
        provider: group[0]!.provider,
        nodes: group.length,
        calls: group.reduce((sum, one) => sum + one.calls, 0),
        totalUs,
        share: nodeUs === 0 ? 0 : totalUs / nodeUs,
      };
    })
    .sort((a, b) => b.totalUs - a.totalUs);
}

function isRun({ cat, name }: TraceEvent): boolean {
  return cat === "Session" && name === "model_run";
}

function durationOf({ dur }: TraceEvent): number {
  return typeof dur === "number" && dur >= 0 ? dur : 0;
}

function textIn(args: Readonly<Record<string, unknown>>, key: string): string {
  const value = args[key];
  return typeof value === "string" && value !== "" ? value.slice(0, LONGEST_TEXT) : "unknown";
}

/** The engine writes numbers as texts. */
function numberIn(args: Readonly<Record<string, unknown>>, key: string): number | null {
  const value = args[key];
  if (typeof value !== "string" && typeof value !== "number") return null;
  const number = value === "" ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}

/** `[{"float":[1,16]}]` as "float[1, 16]". */
function shapesIn(args: Readonly<Record<string, unknown>>, key: string): readonly string[] {
  const value = args[key];
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, 16)
    .flatMap((one: unknown) =>
      typeof one === "object" && one !== null
        ? Object.entries(one).map(([type, dims]) =>
            `${type}[${Array.isArray(dims) ? dims.join(", ") : ""}]`.slice(0, LONGEST_TEXT),
          )
        : [],
    );
}
