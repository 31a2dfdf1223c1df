// A launch policy's file: YAML, of which JSON is a part.
import { readFileSync } from "node:fs";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { parse } from "yaml";

/**
 * The requirements of a policy file. Whether each can be read is for the server to say.
 * @throws SlipwayError USAGE where the file can't be read, POLICY_INVALID
 */
export function readPolicyFile(workingDirectory: string, file: string): string[] {
  let text: string;
  try {
    text = readFileSync(path.resolve(workingDirectory, file), "utf8");
  } catch (error) {
    throw new SlipwayError("USAGE", `The policy ${JSON.stringify(file)} can't be read: ${(error as Error).message}.`);
  }
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: true });
  } catch (error) {
    throw new SlipwayError("POLICY_INVALID", `${file} is no YAML: ${(error as Error).message}`);
  }
  const requirements = (value as { requirements?: unknown } | null)?.requirements;
  const isLines = Array.isArray(requirements) && requirements.every((line) => typeof line === "string");
  const others =
    typeof value === "object" && value !== null ? Object.keys(value).filter((key) => key !== "requirements") : [];
  if (isLines && others.length === 0) return requirements;
  const what =
    others.length > 0 ? `has ${JSON.stringify(others[0])}, which is no part of a policy` : "holds no list of lines";
  throw new SlipwayError(
    "POLICY_INVALID",
    `${file} ${what}. It begins with "requirements:", and each line after it is like "  - size <= 5 MB".`,
  );
}
