// `npm run bench -- --check`: which budgets are met, from a fresh short run or from kept results.
import { type BenchmarkName, measure, type Options } from "./benchmarks.ts";
import { BUDGETS, boundText, isMet } from "./budgets.ts";
import type { Result } from "./record.ts";
import { figureText } from "./summary.ts";

/** Just what the budgets are about. */
const SHORT: readonly [BenchmarkName, Partial<Options>][] = [
  ["serve", { models: ["tiny"], wires: ["json"], connections: [1, 32], rounds: 3 }],
  ["serve", { models: ["ms1"], wires: ["json"], connections: [32], rounds: 3 }],
  ["serve", { models: ["ms10"], wires: ["binary"], connections: [32], rounds: 3 }],
  ["overload", { rounds: 2, seconds: 3 }],
  ["start", { rounds: 2 }],
  ["peers", { peers: ["Rust", "mosec", "FastAPI"], rounds: 3 }],
];

export async function measureShort(log: Options["log"]): Promise<Result[]> {
  const results: Result[] = [];
  for (const [name, options] of SHORT) {
    for await (const { result } of measure(name, { ...options, log })) results.push(result);
  }
  return results;
}

/** A line per budget, and whether none is missed. */
export function checked(results: readonly Result[]): { readonly text: string; readonly isKept: boolean } {
  const verdicts = BUDGETS.map((budget) => {
    const figure = budget.figure(results);
    const verdict = isMet(budget, figure);
    const measured = figure === null || figure === undefined ? "not measured here" : figureText(figure, budget.unit);
    const word = verdict === null ? "–" : verdict ? "met" : "MISSED";
    const byCpu = budget.byCpu?.(results);
    const more = byCpu ? `; by CPU time ${figureText(byCpu)}` : "";
    return { verdict, line: `${word.padEnd(7)} ${budget.what}: ${measured}; ${boundText(budget)}${more}` };
  });
  return {
    text: verdicts.map(({ line }) => line).join("\n"),
    isKept: verdicts.every(({ verdict }) => verdict !== false),
  };
}
