// Measurements as a command asks for them: a job is queued and followed, and what it found is read.
import type { Client, EvidenceView, JobView, OperationInput } from "slipway/client";
import type { CommandContext } from "./command.ts";
import { expectSuccess, followJob } from "./follow-job.ts";
import { untilInterrupted } from "./interrupt.ts";
import type { Session } from "./session.ts";

/**
 * Measures, showing how that goes on; Ctrl-C cancels it.
 * @throws SlipwayError, ApiError what a measurement failed with; INTERRUPTED
 */
export async function measured(
  context: CommandContext,
  session: Session,
  wanted: OperationInput<"startMeasure">,
): Promise<readonly EvidenceView[]> {
  const { client } = session;
  const job = await untilInterrupted(client.startMeasure(wanted), context.signal);
  session.carryOut(job.id);
  const ended = await followJob(context, client, job, "cancel");
  expectSuccess(context, ended);
  return await evidenceOf(client, ended);
}

/** What a job that measured found, in the order it was asked for. */
export async function evidenceOf(client: Client, { order, result }: JobView): Promise<readonly EvidenceView[]> {
  const { name, number } = order as { readonly name: string; readonly number: number };
  const { evidence: ids } = result as { readonly evidence: readonly string[] };
  const evidence = new Map(
    (await client.listEvidence({ params: { name, number }, query: {} })).map((one) => [one.id, one]),
  );
  return ids.flatMap((id) => evidence.get(id) ?? []);
}
