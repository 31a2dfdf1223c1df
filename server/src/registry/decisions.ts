// The append-only log of what was decided and changed: who, what, when, why.
import { type Queries, type RegistryContext, timestamp } from "./context.ts";
import type { Authority, Decision, DecisionKind, JsonObject } from "./types.ts";

export interface NewDecision extends Authority {
  readonly kind: DecisionKind;
  readonly subject: string;
  readonly text: string;
  readonly details?: JsonObject;
}

/** Appends a decision, in the transaction that makes it true. */
export async function appendDecision(
  context: RegistryContext,
  queries: Queries,
  decision: NewDecision,
): Promise<Decision> {
  const { actor, kind, subject, text, reason, details = {} } = decision;
  const row = {
    tenant: context.tenant,
    id: context.newId(),
    at: timestamp(context),
    actor,
    kind,
    subject,
    text,
    reason,
  };
  await queries
    .insertInto("decision")
    .values({ ...row, details: JSON.stringify(details) })
    .execute();
  return { ...row, details };
}

/** Decisions, newest first. */
export async function listDecisions(
  context: RegistryContext,
  options: { readonly limit: number; readonly subject?: string },
): Promise<readonly Decision[]> {
  let query = context.database.selectFrom("decision").selectAll().where("tenant", "=", context.tenant);
  if (options.subject !== undefined) query = query.where("subject", "=", options.subject);
  const rows = await query.orderBy("id", "desc").limit(options.limit).execute();
  return rows.map((row) => ({
    ...row,
    kind: row.kind as DecisionKind,
    details: JSON.parse(row.details) as JsonObject,
  }));
}
