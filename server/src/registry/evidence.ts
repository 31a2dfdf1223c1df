// Evidence: what a measurement found, kept for good. It belongs to content (a model with its processing), so every version
// of that content has it; it says on what data and machine it was found, by which method and code, and its hash covers all
// of that, so that nobody can change a number afterwards without it showing.
import { SlipwayError } from "@slipway/core/base";
import { canonicalJson, textHash } from "./canonical-json.ts";
import { type Queries, type RegistryContext, timestamp } from "./context.ts";
import { appendDecision } from "./decisions.ts";
import type { Authority, JsonObject, JsonValue, Version } from "./types.ts";
import { processingHashOf } from "./versions.ts";

export interface ValueInterval {
  readonly lower: number;
  readonly upper: number;
  /** 0.95 for an interval that holds the truth in 95 of 100 measurements. */
  readonly level: number;
  /** It is the range an estimate is judged to be good for, of which no such share is known. */
  readonly isRange?: true;
}

/** One measured number. */
export interface MeasuredValue {
  /** null where it is undefined; `reason` says why. */
  readonly value: number | null;
  readonly reason: string | null;
  /** "1" for ratios and counts, else as policy/units.ts names it: "ms", "B", "/s", "J". */
  readonly unit: string;
  /** null where the number is exact or no interval can be given. */
  readonly interval: ValueInterval | null;
  /** How the number and its interval were computed, in the field's terms: "Wilson", "BCa bootstrap, 2000 resamples". */
  readonly method: string;
  /** How many observations it rests on; null where that means nothing. */
  readonly count: number | null;
}

/** Rows something was measured on. */
export interface EvidenceDataset {
  readonly name: string;
  readonly split: string | null;
  /** Of its manifest. */
  readonly hash: string;
}

/** Where something was measured. Two machines with the same fingerprint are alike in everything listed. */
export interface EvidenceMachine {
  readonly fingerprint: string;
  /** For people and policies. */
  readonly name: string;
  readonly facts: JsonObject;
}

export interface NewEvidence {
  /** "quality", "latency", "size", … */
  readonly kind: string;
  /** Version of the kind's form. */
  readonly schema: number;
  readonly values: Readonly<Record<string, MeasuredValue>>;
  /** What pictures and tables need beside the numbers: curves, matrices, series. */
  readonly details: JsonObject;
  readonly dataset: EvidenceDataset | null;
  readonly machine: EvidenceMachine | null;
  /** Runtime settings and options it was measured with. */
  readonly settings: JsonObject;
  /** In a sentence, for people. */
  readonly method: string;
  /** Of Slipway and what else computed it: {"slipway": "1.2.0", "onnxruntime": "1.30.0"}. */
  readonly code: Readonly<Record<string, string>>;
}

export interface Evidence extends NewEvidence {
  readonly tenant: string;
  /** Later ones sort behind earlier ones. */
  readonly id: string;
  readonly modelHash: string;
  /** SHA-256 of the processing's canonical JSON; "none" without. */
  readonly processingHash: string;
  readonly measuredAt: number;
  /** SHA-256 over the canonical JSON of all the above. */
  readonly hash: string;
}

/** A machine by what is known of it: the same facts, the same fingerprint. */
export function machineFrom(name: string, facts: JsonObject): EvidenceMachine {
  return { fingerprint: textHash(canonicalJson(facts)).slice(0, 16), name, facts };
}

/** Rows of a table are no place for more; pictures are made from summaries. */
const MOST_BYTES = 4 * 2 ** 20;

/**
 * Keeps what a measurement of a version found.
 * @param also done in the same transaction, so that both are kept or neither
 * @throws SlipwayError EVIDENCE_INVALID where a number is not finite or has no reason for being null, or it is too large
 */
export async function addEvidence(
  context: RegistryContext,
  version: Version,
  wanted: NewEvidence,
  authority: Authority,
  also: (queries: Queries, evidence: Evidence) => Promise<void> = async () => {},
): Promise<Evidence> {
  checkValues(wanted);
  const unhashed = {
    ...wanted,
    tenant: context.tenant,
    id: context.newId(),
    modelHash: version.modelHash,
    processingHash: processingHashOf(version.processing),
    measuredAt: timestamp(context),
  };
  const evidence: Evidence = { ...unhashed, hash: evidenceHash(unhashed) };
  const body = JSON.stringify(bodyOf(evidence));
  if (body.length > MOST_BYTES) {
    throw new SlipwayError(
      "EVIDENCE_INVALID",
      `The evidence "${wanted.kind}" takes ${body.length} bytes; at most ${MOST_BYTES} are kept. Summarise its details.`,
    );
  }
  await context.database.transaction().execute(async (queries) => {
    await queries
      .insertInto("evidence")
      .values({
        tenant: evidence.tenant,
        id: evidence.id,
        model_hash: evidence.modelHash,
        processing_hash: evidence.processingHash,
        kind: evidence.kind,
        measured_at: evidence.measuredAt,
        body,
        hash: evidence.hash,
      })
      .execute();
    await appendDecision(context, queries, {
      ...authority,
      kind: "measured",
      subject: version.name,
      text: `${version.name}@${version.number} was measured: ${evidence.kind}`,
      details: { evidenceId: evidence.id, kind: evidence.kind, hash: evidence.hash },
    });
    await also(queries, evidence);
  });
  return evidence;
}

/**
 * All evidence of a version's content, newest first.
 * @throws SlipwayError EVIDENCE_INVALID where what is stored is not what was measured
 */
export async function listEvidence(
  context: RegistryContext,
  queries: Queries,
  version: Pick<Version, "modelHash" | "processing">,
  kind?: string,
): Promise<readonly Evidence[]> {
  let query = queries
    .selectFrom("evidence")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .where("model_hash", "=", version.modelHash)
    .where("processing_hash", "=", processingHashOf(version.processing));
  if (kind !== undefined) query = query.where("kind", "=", kind);
  const rows = await query.orderBy("id", "desc").execute();
  return rows.map((row) => {
    const evidence: Evidence = {
      ...(JSON.parse(row.body) as ReturnType<typeof bodyOf>),
      tenant: row.tenant,
      id: row.id,
      modelHash: row.model_hash,
      processingHash: row.processing_hash,
      kind: row.kind,
      measuredAt: row.measured_at,
      hash: row.hash,
    };
    if (evidenceHash(evidence) !== row.hash) {
      throw new SlipwayError(
        "EVIDENCE_INVALID",
        `The evidence ${row.id} ("${row.kind}") is not what was measured: its hash is another. Measure again; it counts for nothing.`,
      );
    }
    return evidence;
  });
}

/** The columns that are kept as JSON. */
function bodyOf({ schema, values, details, dataset, machine, settings, method, code }: Evidence) {
  return { schema, values, details, dataset, machine, settings, method, code };
}

function evidenceHash(evidence: Omit<Evidence, "hash">): string {
  const { tenant, id, modelHash, processingHash: ofProcessing, kind, measuredAt } = evidence;
  const body = bodyOf({ ...evidence, hash: "" });
  const all = { tenant, id, modelHash, processingHash: ofProcessing, kind, measuredAt, ...body };
  return textHash(canonicalJson(all as unknown as JsonValue));
}

function checkValues({ kind, values }: NewEvidence): void {
  for (const [name, { value, reason, interval }] of Object.entries(values)) {
    const numbers = [value, interval?.lower, interval?.upper].filter((one) => one !== null && one !== undefined);
    const bad = numbers.find((one) => !Number.isFinite(one));
    if (bad !== undefined) throw invalid(kind, name, `is ${bad}; what is undefined is null, with a reason`);
    if (value === null && reason === null) throw invalid(kind, name, "is null without a reason");
    if (interval !== null && interval.lower > interval.upper) {
      throw invalid(kind, name, `has the interval ${interval.lower} to ${interval.upper}`);
    }
  }
}

function invalid(kind: string, name: string, what: string): SlipwayError {
  return new SlipwayError("EVIDENCE_INVALID", `The value "${name}" of the evidence "${kind}" ${what}.`);
}
