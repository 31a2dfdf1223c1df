// What a profile says in plain words: where the time goes, and which node to look at first.
import type { Profile } from "./trace.ts";

/** Operators that are told one by one; the rest together. */
const TOLD_OPERATORS = 3;
/** Below it nobody gains by looking at an operator. */
const LEAST_SHARE = 0.02;

/** Sentences, the most important first. */
export function describeProfile(profile: Profile): readonly string[] {
  const { operators, nodes, nodeUs, runUs, runs } = profile;
  if (nodes.length === 0 || nodeUs === 0)
    return ["No node took as long as a microsecond, which is the finest that is told."];
  const told = operators.filter(({ share }) => share >= LEAST_SHARE).slice(0, TOLD_OPERATORS);
  const lines = told.map(({ operator, share, nodes: count }, index) => {
    const time = index === 0 ? `${percent(share)} of the time is ${operator}` : `${percent(share)} is ${operator}`;
    return `${time} (${counted(count, "node")}).`;
  });
  const slowest = nodes[0]!;
  const shapes = slowest.inputs.length === 0 ? "" : `, which takes ${slowest.inputs.join(", ")}`;
  lines.push(
    `The slowest node is ${slowest.operator} "${slowest.name}"${shapes}: ${percent(slowest.totalUs / nodeUs)}, ${microseconds(slowest.totalUs / runs)} of a run.`,
  );
  const between = runUs - nodeUs;
  if (runUs > 0 && between / runUs >= LEAST_SHARE) {
    lines.push(
      `${percent(between / runUs)} of a run is between nodes: handing over inputs, choosing the next node, and the profiling itself.`,
    );
  }
  const providers = [...new Set(nodes.map(({ provider }) => provider))];
  if (providers.length > 1) {
    const parts = providers.map((provider) => {
      const own = nodes.filter((node) => node.provider === provider);
      const share = own.reduce((sum, { totalUs }) => sum + totalUs, 0) / nodeUs;
      return `${counted(own.length, "node")} on ${provider} (${percent(share)} of the time)`;
    });
    lines.push(`It runs on ${providers.length} execution providers: ${parts.join(", ")}.`);
  }
  return lines;
}

function percent(share: number): string {
  return share < 0.1 ? `${Number((100 * share).toPrecision(2))} %` : `${Math.round(100 * share)} %`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function microseconds(us: number): string {
  return us < 1000 ? `${Number(us.toPrecision(3))} µs` : `${Number((us / 1000).toPrecision(3))} ms`;
}
