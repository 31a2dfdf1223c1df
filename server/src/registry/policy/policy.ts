// A launch policy: what must be shown of a version before it goes live. Data, written as YAML or JSON:
//
//   requirements:
//     - quality.accuracy.lower >= 0.97 on digits/test
//     - latency.p99 <= 20ms on this machine
//     - fresh within 30d
import { SlipwayError } from "@slipway/core/base";
import { parseFreshness, parseRequirement, type Requirement } from "./requirement.ts";

export interface Policy {
  readonly requirements: readonly Requirement[];
  /** How old evidence for any requirement may be, unless that says so itself; null takes any age. */
  readonly freshWithinMs: number | null;
}

/** Requirements of one policy; more than anybody reads. */
const MOST_REQUIREMENTS = 1000;

/**
 * Reads a policy from what its YAML or JSON held.
 * @throws SlipwayError POLICY_INVALID; where one line is at fault, `details.line` is its place, from 0
 */
export function parsePolicy(value: unknown): Policy {
  const lines = linesOf(value);
  const requirements: Requirement[] = [];
  let freshWithinMs: number | null = null;
  for (const [index, line] of lines.entries()) {
    if (typeof line !== "string") {
      throw invalid(`requirements[${index}] is ${JSON.stringify(line)?.slice(0, 80)}; it is a line of text`, {
        line: index,
      });
    }
    const fresh = parseFreshness(line);
    if (fresh === null) requirements.push(requirementAt(index, line));
    else if (freshWithinMs === null) freshWithinMs = fresh;
    else throw invalid('"fresh within" is there twice as a line of its own', { line: index });
  }
  if (requirements.length === 0) {
    throw invalid("it requires nothing; write at least one line such as size <= 5 MB, or remove the policy");
  }
  return { requirements, freshWithinMs };
}

/** Editors show what is wrong with a line at that line. */
function requirementAt(line: number, text: string): Requirement {
  try {
    return parseRequirement(text);
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    throw new SlipwayError(error.code, error.message, { cause: error, details: { ...error.details, line } });
  }
}

function linesOf(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid('it is to be an object with "requirements"');
  }
  const unknown = Object.keys(value).find((key) => key !== "requirements");
  if (unknown !== undefined)
    throw invalid(`${JSON.stringify(unknown)} is not a part of it; "requirements" is the only one`);
  const { requirements } = value as { requirements?: unknown };
  if (!Array.isArray(requirements)) throw invalid('"requirements" is to be a list of lines');
  if (requirements.length > MOST_REQUIREMENTS) {
    throw invalid(`it has ${requirements.length} lines; at most ${MOST_REQUIREMENTS} are read`);
  }
  return requirements as readonly unknown[];
}

function invalid(what: string, details: Readonly<Record<string, unknown>> = {}): SlipwayError {
  return new SlipwayError("POLICY_INVALID", `The policy can't be read: ${what}.`, { details });
}
