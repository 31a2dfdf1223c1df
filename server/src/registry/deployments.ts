// Deployments and endpoints: what serves, what served before, and the steps from one to the other, each one transaction.
import { assert, SlipwayError } from "@slipway/core/base";
import { assertName, type Queries, type RegistryContext, timestamp } from "./context.ts";
import { appendDecision } from "./decisions.ts";
import { didYouMean, suggestionsFor } from "./suggestions.ts";
import type { Authority, Deployment, DeploymentState, Endpoint, EndpointVariant, JsonObject } from "./types.ts";
import { getVersion } from "./versions.ts";

export interface NewDeployment {
  readonly endpoint: string;
  readonly name: string;
  /** null takes the newest. */
  readonly number: number | null;
  readonly settings: JsonObject;
}

export interface Promotion {
  readonly endpoint: Endpoint;
  readonly deployment: Deployment;
  /** What was live until now; null where nothing was, or this one already. */
  readonly replaced: Deployment | null;
}

/**
 * Records that a version is about to be loaded for an endpoint, and makes the endpoint where there is none.
 * @throws SlipwayError NAME_INVALID, MODEL_NOT_FOUND, VERSION_NOT_FOUND
 */
export async function stage(context: RegistryContext, wanted: NewDeployment): Promise<Deployment> {
  const { tenant } = context;
  assertName(wanted.endpoint, "an endpoint");
  return await context.database.transaction().execute(async (queries) => {
    const version = await getVersion(context, queries, wanted.name, wanted.number);
    const now = timestamp(context);
    await queries
      .insertInto("endpoint")
      .values({
        tenant,
        name: wanted.endpoint,
        live_deployment_id: null,
        previous_deployment_id: null,
        changed_at: now,
      })
      .onConflict((conflict) => conflict.columns(["tenant", "name"]).doNothing())
      .execute();
    const row = {
      tenant,
      id: context.newId(),
      endpoint: wanted.endpoint,
      name: version.name,
      number: version.number,
      settings: JSON.stringify(wanted.settings),
      state: "staged",
      reason: null,
      created_at: now,
      changed_at: now,
    };
    await queries.insertInto("deployment").values(row).execute();
    return deploymentFromRow(row);
  });
}

/**
 * Makes a deployment its endpoint's live one; what was live is retired and becomes the previous. Promoting what is live
 * already changes nothing.
 * @param as how the decision is called
 * @param details what else is to be noted with it, such as what the gate said
 * @throws SlipwayError DEPLOYMENT_NOT_FOUND; STATE_CONFLICT for one that failed
 */
export async function promote(
  context: RegistryContext,
  deploymentId: string,
  as: "deployed" | "rolled-back",
  authority: Authority,
  details: JsonObject = {},
): Promise<Promotion> {
  return await context.database.transaction().execute(async (queries) => {
    const { endpoint: endpointName } = await getDeployment(context, queries, deploymentId);
    await lockEndpoint(context, queries, endpointName);
    const deployment = await getDeployment(context, queries, deploymentId);
    const before = await getEndpoint(context, queries, endpointName);
    if (before.liveDeploymentId === deployment.id) return { endpoint: before, deployment, replaced: null };
    if (deployment.state === "failed")
      throw new SlipwayError(
        "STATE_CONFLICT",
        `The deployment ${deployment.id} of ${deployment.name}@${deployment.number} failed${deployment.reason === null ? "" : ` (${deployment.reason})`} and can't become live. Deploy the version again.`,
      );
    const replaced =
      before.liveDeploymentId === null
        ? null
        : await changeState(
            context,
            queries,
            before.liveDeploymentId,
            "retired",
            `replaced by ${versionText(deployment)}`,
          );
    const live = await changeState(context, queries, deployment.id, "live", null);
    const endpoint = await changeEndpoint(context, queries, {
      ...before,
      variants: [{ deploymentId: live.id, weight: 1 }],
      liveDeploymentId: live.id,
      // After an unload the previous one stays what a rollback returns to, unless it is the one that came back.
      previousDeploymentId:
        replaced?.id ?? (before.previousDeploymentId === live.id ? null : before.previousDeploymentId),
    });
    const instead = replaced === null ? "" : ` instead of ${versionText(replaced)}`;
    await appendDecision(context, queries, {
      ...authority,
      kind: as,
      subject: endpoint.name,
      text: `${endpoint.name} serves ${versionText(live)}${instead}`,
      details: {
        ...details,
        deploymentId: live.id,
        name: live.name,
        number: live.number,
        replacedDeploymentId: replaced?.id ?? null,
      },
    });
    return { endpoint, deployment: live, replaced };
  });
}

/**
 * Records that a deployment could not be loaded. One that was live or retired stays what it is: that a rollback or a
 * restart failed does not undo what it was.
 * @throws SlipwayError DEPLOYMENT_NOT_FOUND
 */
export async function fail(
  context: RegistryContext,
  deploymentId: string,
  why: string,
  authority: Authority,
): Promise<Deployment> {
  return await context.database.transaction().execute(async (queries) => {
    let deployment = await getDeployment(context, queries, deploymentId);
    if (deployment.state === "failed") return deployment;
    if (deployment.state === "staged") deployment = await changeState(context, queries, deployment.id, "failed", why);
    await appendDecision(context, queries, {
      ...authority,
      kind: "load-failed",
      subject: deployment.endpoint,
      text: `${versionText(deployment)} could not be loaded for ${deployment.endpoint}: ${why}`,
      details: { deploymentId: deployment.id, name: deployment.name, number: deployment.number },
    });
    return deployment;
  });
}

/** Gives up what was being loaded when a server stopped; answers how many that were. Called before anything is loaded. */
export async function abandonStaged(context: RegistryContext, why: string): Promise<number> {
  const result = await context.database
    .updateTable("deployment")
    .set({ state: "failed", reason: why, changed_at: timestamp(context) })
    .where("tenant", "=", context.tenant)
    .where("state", "=", "staged")
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/**
 * The deployment a rollback returns to.
 * @throws SlipwayError ENDPOINT_NOT_FOUND, ROLLBACK_IMPOSSIBLE
 */
export async function rollbackTarget(context: RegistryContext, endpointName: string): Promise<Deployment> {
  const endpoint = await getEndpoint(context, context.database, endpointName);
  if (endpoint.previousDeploymentId === null)
    throw new SlipwayError(
      "ROLLBACK_IMPOSSIBLE",
      `The endpoint "${endpoint.name}" has served nothing else before. Deploy the version you want instead.`,
    );
  return await getDeployment(context, context.database, endpoint.previousDeploymentId);
}

/**
 * Takes an endpoint out of service. Its record stays, and a rollback returns to what was live. Unloading one that serves
 * nothing changes nothing.
 * @throws SlipwayError ENDPOINT_NOT_FOUND
 */
export async function unload(context: RegistryContext, endpointName: string, authority: Authority): Promise<Endpoint> {
  return await context.database.transaction().execute(async (queries) => {
    await lockEndpoint(context, queries, endpointName);
    const before = await getEndpoint(context, queries, endpointName);
    if (before.liveDeploymentId === null) return before;
    const retired = await changeState(context, queries, before.liveDeploymentId, "retired", "unloaded");
    const endpoint = await changeEndpoint(context, queries, {
      ...before,
      variants: [],
      liveDeploymentId: null,
      previousDeploymentId: retired.id,
    });
    await appendDecision(context, queries, {
      ...authority,
      kind: "unloaded",
      subject: endpoint.name,
      text: `${endpoint.name} no longer serves ${versionText(retired)}`,
      details: { deploymentId: retired.id, name: retired.name, number: retired.number },
    });
    return endpoint;
  });
}

/** @throws SlipwayError DEPLOYMENT_NOT_FOUND */
export async function getDeployment(context: RegistryContext, queries: Queries, id: string): Promise<Deployment> {
  const row = await queries
    .selectFrom("deployment")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .where("id", "=", id)
    .executeTakeFirst();
  if (row !== undefined) return deploymentFromRow(row);
  throw new SlipwayError("DEPLOYMENT_NOT_FOUND", `No deployment has the id ${JSON.stringify(id.slice(0, 200))}.`);
}

/** The deployments an endpoint ever had, newest first. */
export async function listDeployments(
  context: RegistryContext,
  options: { readonly endpoint: string; readonly limit: number },
): Promise<readonly Deployment[]> {
  const rows = await context.database
    .selectFrom("deployment")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .where("endpoint", "=", options.endpoint)
    .orderBy("id", "desc")
    .limit(options.limit)
    .execute();
  return rows.map(deploymentFromRow);
}

/** Every endpoint, by name. */
export async function listEndpoints(context: RegistryContext, queries: Queries): Promise<readonly Endpoint[]> {
  const rows = await queries
    .selectFrom("endpoint")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .orderBy("name")
    .execute();
  const variants = await queries
    .selectFrom("variant")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .orderBy("deployment_id")
    .execute();
  const byEndpoint = Map.groupBy(variants, (variant) => variant.endpoint);
  return rows.map((row) => ({
    tenant: row.tenant,
    name: row.name,
    variants: (byEndpoint.get(row.name) ?? []).map(
      (variant): EndpointVariant => ({ deploymentId: variant.deployment_id, weight: variant.weight }),
    ),
    liveDeploymentId: row.live_deployment_id,
    previousDeploymentId: row.previous_deployment_id,
    changedAt: row.changed_at,
  }));
}

/** @throws SlipwayError ENDPOINT_NOT_FOUND, with `details.suggestions` */
export async function getEndpoint(context: RegistryContext, queries: Queries, name: string): Promise<Endpoint> {
  const endpoints = await listEndpoints(context, queries);
  const endpoint = endpoints.find((endpoint) => endpoint.name === name);
  if (endpoint !== undefined) return endpoint;
  const suggestions = suggestionsFor(
    name,
    endpoints.map((endpoint) => endpoint.name),
  );
  throw new SlipwayError(
    "ENDPOINT_NOT_FOUND",
    `No endpoint is called ${JSON.stringify(name.slice(0, 200))}.${didYouMean(suggestions, "See `slipway status` for the endpoints there are.")}`,
    { details: { suggestions } },
  );
}

/** Keeps other servers from changing an endpoint until the transaction ends, by writing its row before reading it. */
async function lockEndpoint(context: RegistryContext, queries: Queries, name: string): Promise<void> {
  await queries
    .updateTable("endpoint")
    .set((set) => ({ changed_at: set.ref("changed_at") }))
    .where("tenant", "=", context.tenant)
    .where("name", "=", name)
    .execute();
}

async function changeState(
  context: RegistryContext,
  queries: Queries,
  id: string,
  state: DeploymentState,
  reason: string | null,
): Promise<Deployment> {
  const row = await queries
    .updateTable("deployment")
    .set({ state, reason, changed_at: timestamp(context) })
    .where("tenant", "=", context.tenant)
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirst();
  assert(row !== undefined, `The deployment ${id} is gone.`);
  return deploymentFromRow(row);
}

async function changeEndpoint(context: RegistryContext, queries: Queries, endpoint: Endpoint): Promise<Endpoint> {
  const { tenant } = context;
  const changedAt = timestamp(context);
  await queries
    .updateTable("endpoint")
    .set({
      live_deployment_id: endpoint.liveDeploymentId,
      previous_deployment_id: endpoint.previousDeploymentId,
      changed_at: changedAt,
    })
    .where("tenant", "=", tenant)
    .where("name", "=", endpoint.name)
    .execute();
  await queries.deleteFrom("variant").where("tenant", "=", tenant).where("endpoint", "=", endpoint.name).execute();
  for (const { deploymentId, weight } of endpoint.variants)
    await queries
      .insertInto("variant")
      .values({ tenant, endpoint: endpoint.name, deployment_id: deploymentId, weight })
      .execute();
  return { ...endpoint, changedAt };
}

function versionText(deployment: Deployment): string {
  return `${deployment.name}@${deployment.number}`;
}

interface DeploymentRow {
  readonly tenant: string;
  readonly id: string;
  readonly endpoint: string;
  readonly name: string;
  readonly number: number;
  readonly settings: string;
  readonly state: string;
  readonly reason: string | null;
  readonly created_at: number;
  readonly changed_at: number;
}

function deploymentFromRow(row: DeploymentRow): Deployment {
  return {
    tenant: row.tenant,
    id: row.id,
    endpoint: row.endpoint,
    name: row.name,
    number: row.number,
    settings: JSON.parse(row.settings) as JsonObject,
    state: row.state as DeploymentState,
    reason: row.reason,
    createdAt: row.created_at,
    changedAt: row.changed_at,
  };
}
