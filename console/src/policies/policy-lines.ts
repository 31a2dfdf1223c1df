// The text of a policy in an editor, and the lines of requirements the API takes: where each came from is kept, so that what
// is wrong with one, or what was found of one, can be shown where it is written.
import { ApiError, type PolicyVerdictView } from "../api.ts";

export interface PolicyLine {
  /** Its place in the text, from 0. */
  readonly line: number;
  readonly text: string;
}

/** The requirements in a text: blank lines and comments are none; what is pasted from a YAML file may keep its dashes. */
export function linesOf(text: string): readonly PolicyLine[] {
  return text.split("\n").flatMap((raw, line) => {
    const bare = raw
      .trim()
      .replace(/^-\s+/, "")
      .replace(/^(["'])(.*)\1$/, "$2");
    return bare === "" || bare.startsWith("#") || bare === "requirements:" ? [] : [{ line, text: bare }];
  });
}

export interface Fault {
  /** Its place in the text, from 0; null where no single line is at fault. */
  readonly line: number | null;
  readonly message: string;
}

/** What is wrong with a text, as the server said; null where the error is about something else. */
export function faultOf(error: Error | null, lines: readonly PolicyLine[]): Fault | null {
  if (!(error instanceof ApiError) || error.code !== "POLICY_INVALID") return null;
  const index = error.details["line"];
  return { line: typeof index === "number" ? (lines[index]?.line ?? null) : null, message: error.message };
}

type Requirement = PolicyVerdictView["requirements"][number];

/** What was found of each line, by its place in the text. A line such as `fresh within 30d` is no requirement. */
export function verdictsByLine(
  judged: PolicyVerdictView,
  lines: readonly PolicyLine[],
): ReadonlyMap<number, Requirement> {
  const open = [...judged.requirements];
  return new Map(
    lines.flatMap(({ line, text }) => {
      if (!isSame(open[0], text)) return [];
      return [[line, open.shift()!] as const];
    }),
  );
}

/** The server answers requirements in their order, with their blanks put in order. */
function isSame(requirement: Requirement | undefined, text: string): boolean {
  const bare = (line: string): string => line.replace(/\s+/g, "");
  return requirement !== undefined && bare(requirement.requirement) === bare(text);
}

/** The measurement a requirement is about: `quality` of `quality.accuracy.lower >= 0.98`. */
export function kindOf(requirement: string): string {
  return /^[A-Za-z0-9_-]+/.exec(requirement)?.[0] ?? requirement;
}
