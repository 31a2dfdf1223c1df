// Which launch policy stands before which endpoint, and what evidence says of it.
import { SlipwayError } from "@slipway/core/base";
import { assertName, type Queries, type RegistryContext, timestamp } from "./context.ts";
import { appendDecision } from "./decisions.ts";
import { listEvidence } from "./evidence.ts";
import { judgePolicy, type PolicyVerdict } from "./policy/judge.ts";
import { parsePolicy, type Policy } from "./policy/policy.ts";
import type { Authority, Version } from "./types.ts";

/** In place of an endpoint's name: every endpoint without a policy of its own. */
const EVERY_ENDPOINT = "*";

export interface LaunchPolicy {
  /** An endpoint's name, or "*". */
  readonly endpoint: string;
  /** As they were written. */
  readonly requirements: readonly string[];
  readonly changedAt: number;
}

/**
 * Puts a policy before an endpoint, or before all that have none of their own.
 * @throws SlipwayError POLICY_INVALID, NAME_INVALID
 */
export async function setLaunchPolicy(
  context: RegistryContext,
  endpoint: string,
  requirements: readonly string[],
  authority: Authority,
): Promise<LaunchPolicy> {
  if (endpoint !== EVERY_ENDPOINT) assertName(endpoint, "an endpoint");
  parsePolicy({ requirements });
  const row = {
    tenant: context.tenant,
    endpoint,
    body: JSON.stringify({ requirements }),
    changed_at: timestamp(context),
  };
  await context.database.transaction().execute(async (queries) => {
    await queries
      .insertInto("launch_policy")
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(["tenant", "endpoint"]).doUpdateSet({ body: row.body, changed_at: row.changed_at }),
      )
      .execute();
    await appendDecision(context, queries, {
      ...authority,
      kind: "policy-set",
      subject: endpoint,
      text: `${whose(endpoint)} launch policy has ${requirements.length} line${requirements.length === 1 ? "" : "s"}`,
      details: { requirements },
    });
  });
  return { endpoint, requirements, changedAt: row.changed_at };
}

/** @throws SlipwayError POLICY_NOT_FOUND */
export async function removeLaunchPolicy(
  context: RegistryContext,
  endpoint: string,
  authority: Authority,
): Promise<void> {
  await context.database.transaction().execute(async (queries) => {
    const { numDeletedRows } = await queries
      .deleteFrom("launch_policy")
      .where("tenant", "=", context.tenant)
      .where("endpoint", "=", endpoint)
      .executeTakeFirst();
    if (numDeletedRows === 0n) {
      throw new SlipwayError("POLICY_NOT_FOUND", `There is no launch policy for ${JSON.stringify(endpoint)}.`);
    }
    await appendDecision(context, queries, {
      ...authority,
      kind: "policy-removed",
      subject: endpoint,
      text: `${whose(endpoint)} launch policy was removed`,
    });
  });
}

/** All there are, by endpoint. */
export async function listLaunchPolicies(context: RegistryContext): Promise<readonly LaunchPolicy[]> {
  const rows = await context.database
    .selectFrom("launch_policy")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .orderBy("endpoint")
    .execute();
  return rows.map(({ endpoint, body, changed_at }) => ({
    endpoint,
    requirements: (JSON.parse(body) as { requirements: readonly string[] }).requirements,
    changedAt: changed_at,
  }));
}

/** What a version must show to go live behind an endpoint; null where nothing is asked. */
export async function launchPolicyOf(
  context: RegistryContext,
  queries: Queries,
  endpoint: string,
): Promise<Policy | null> {
  const rows = await queries
    .selectFrom("launch_policy")
    .select(["endpoint", "body"])
    .where("tenant", "=", context.tenant)
    .where("endpoint", "in", [endpoint, EVERY_ENDPOINT])
    .execute();
  const row = rows.find((one) => one.endpoint === endpoint) ?? rows[0];
  return row === undefined ? null : parsePolicy(JSON.parse(row.body));
}

/**
 * Asks what evidence of a version says of a policy.
 * @param machine fingerprint of the machine that asks
 */
export async function judgeVersion(
  context: RegistryContext,
  policy: Policy,
  version: Version,
  machine: string,
): Promise<PolicyVerdict> {
  const evidence = await listEvidence(context, context.database, version);
  const subject = `${version.name}@${version.number}`;
  return judgePolicy(policy, evidence, { subject, now: context.clock.wall(), machine });
}

function whose(endpoint: string): string {
  return endpoint === EVERY_ENDPOINT ? "The general" : `${endpoint}'s`;
}
