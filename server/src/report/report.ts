// What is known of a version, put together: facts, evidence with what it is worth today, the gate, lineage, and what nobody
// measured. Plain data; the page, the model card and the API show it.
import type { PolicyVerdict } from "#registry";
import type { ReportEvidence } from "./evidence.ts";
import type { Lineage } from "./lineage/lineage.ts";

export const REPORT_SCHEMA = 1;

export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  /** Milliseconds since the Unix epoch. */
  readonly madeAt: number;
  /** Versions of what runs now, as evidence has them. */
  readonly code: Readonly<Record<string, string>>;
  readonly subject: ReportSubject;
  readonly model: ReportModel;
  /** The steps before and after the model, in words; empty without. */
  readonly processing: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** Names of the classes by index, where processing names them. */
  readonly classes: readonly string[] | null;
  readonly summary: ReportSummary;
  readonly gates: readonly ReportGate[];
  /** Newest first. */
  readonly evidence: readonly StandingEvidence[];
  readonly unmeasured: readonly Unmeasured[];
  readonly lineage: Lineage;
}

export interface ReportSubject {
  readonly name: string;
  readonly number: number;
  readonly note: string | null;
  readonly source: string;
  readonly createdAt: number;
}

export interface ReportPort {
  readonly name: string;
  /** As people write it: float32[N, 1, 28, 28]. */
  readonly type: string;
  readonly isOptional: boolean;
}

export interface ReportModel {
  readonly hash: string;
  readonly sizeBytes: number;
  readonly files: readonly { readonly path: string; readonly hash: string; readonly sizeBytes: number }[];
  readonly signature: { readonly inputs: readonly ReportPort[]; readonly outputs: readonly ReportPort[] };
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producer: string;
  readonly parameterCount: number;
  readonly operators: readonly { readonly name: string; readonly count: number }[];
  readonly warnings: readonly string[];
}

/** In sentences, for people who read nothing else. */
export interface ReportSummary {
  readonly known: readonly string[];
  readonly unknown: readonly string[];
  readonly stale: readonly string[];
}

/** What the launch policy of an endpoint says of the version. */
export interface ReportGate {
  readonly endpoint: string;
  /** Whether the endpoint serves this version now. */
  readonly isLive: boolean;
  /** null where no policy stands before the endpoint. */
  readonly judged: PolicyVerdict | null;
}

/** Evidence, and what it is worth today. */
export interface StandingEvidence extends ReportEvidence {
  /** superseded: a newer one says the same of the same; stale: `reason` says why it may no longer hold. */
  readonly standing: "current" | "stale" | "superseded";
  readonly reason: string | null;
}

/** Something that can be measured and was not. */
export interface Unmeasured {
  readonly kind: string;
  readonly about: string;
  /** What finds it. */
  readonly command: string;
}

/** "digits@3". */
export function subjectText({ name, number }: Pick<ReportSubject, "name" | "number">): string {
  return `${name}@${number}`;
}
