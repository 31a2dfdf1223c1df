// A plan that was made before, from a file or by the id of its evidence, and whether it is about what is to be deployed.
import { SlipwayError } from "@slipway/core/base";
import { PLAN_KIND, type Plan, planFrom } from "#lab/plan";
import type { EvidenceMachine } from "#registry";
import type { Client, VersionView } from "slipway/client";
import type { SettingsTree } from "../deployment-flags.ts";
import { readNamedFile } from "../files.ts";
import { count } from "../text.ts";

/**
 * @param given a file's path (with a slash, or ending in .json), or the id, or its beginning, of evidence of the version
 * @throws SlipwayError FILE_UNREADABLE, PARAMETER_INVALID
 */
export async function keptPlan(
  client: Client,
  { name, number }: Pick<VersionView, "name" | "number">,
  given: string,
  workingDirectory: string,
): Promise<Plan> {
  if (/[/\\]/.test(given) || given.endsWith(".json")) {
    const text = (await readNamedFile(workingDirectory, given)).toString("utf8");
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new SlipwayError("PARAMETER_INVALID", `${given} is no JSON: ${(error as Error).message}`, { cause: error });
    }
    return planFrom(value, given);
  }
  const plans = await client.listEvidence({ params: { name, number }, query: { kind: PLAN_KIND } });
  const found = plans.filter(({ id }) => id.startsWith(given.toUpperCase()));
  const [evidence] = found;
  if (evidence !== undefined && found.length === 1)
    return planFrom((evidence.details as { readonly plan?: unknown }).plan, `the evidence ${evidence.id}`);
  const what = found.length > 1 ? `${count(found.length)} plans have ids that begin with` : "no plan has the id";
  const known = plans.length === 0 ? "no plan was made of it yet" : `there are ${plans.map(({ id }) => id).join(", ")}`;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `Of ${name}@${number}, ${what} "${given}": ${known}. For a file, write a path or a name that ends in .json.`,
  );
}

/** A plan's settings in two parts: those a deployment has, and those its server is started with. */
export function partsOf({ settings }: Plan): { readonly ofDeployment: SettingsTree; readonly ofServer: SettingsTree } {
  const { server, ...ofDeployment } = settings;
  return { ofDeployment, ofServer: server === undefined ? {} : { server } };
}

/**
 * Whether a plan can be deployed as this version.
 * @throws SlipwayError PARAMETER_INVALID for a plan of another model, or one that says it can't be done
 */
export function checkPlan(plan: Plan, { name, number, model }: VersionView): void {
  if (plan.model.hash !== model.hash) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The plan is of the model ${plan.model.hash.slice(0, 12)} (${plan.model.title}), and ${name}@${number} is ${model.hash.slice(0, 12)}. Plan this version: slipway plan ${name}@${number} …`,
    );
  }
  if (plan.outcome !== "fits" && plan.outcome !== "replicas") {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The plan's outcome is "${plan.outcome}", so there is nothing to deploy: ${plan.why[0]!}`,
    );
  }
}

/** What whoever deploys a plan should know; sentences. */
export function planWarnings(plan: Plan, machine: EvidenceMachine, settingsOfServer: SettingsTree): string[] {
  const warnings: string[] = [];
  if (plan.machine.fingerprint !== machine.fingerprint)
    warnings.push(
      `The plan was measured on another kind of machine (${plan.machine.name}), so what it says of rates and latencies may not hold here.`,
    );
  for (const [name, value] of Object.entries(partsOf(plan).ofServer["server"] ?? {})) {
    const now = settingsOfServer["server"]?.[name];
    if (now !== value)
      warnings.push(
        `The plan's server.${name} is ${String(value)} and this server's is ${String(now)}: it is given when a server is started.`,
      );
  }
  if (plan.outcome === "replicas")
    warnings.push(`This is one of the ${count(plan.replicas!)} replicas that the plan takes.`);
  return warnings;
}
