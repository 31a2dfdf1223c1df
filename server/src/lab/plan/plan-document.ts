// A plan as data: what is kept as evidence, written to a file, and deployed from. Its form is a schema, because plans come
// back in from files and over the administration API.
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";

const Rate = z.number().nonnegative().describe("requests a second");
const Share = z.number().min(0).max(1);
const Milliseconds = z.number().nonnegative();

const WindowsSummarySchema = z.strictObject({
  ratePerSecond: Rate.nullable().describe("null for one client that waits for its answers"),
  windows: z.int().positive(),
  met: z.int().nonnegative().describe("of these, how many met the objective"),
  requests: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  latencyMs: Milliseconds.nullable().describe("median over windows of the objective's quantile"),
  interval: z
    .strictObject({ lower: Milliseconds, upper: Milliseconds })
    .nullable()
    .describe("where that median lies, at 95 %"),
  nextMs: Milliseconds.nullable().describe("the next window stays below this, at 90 %"),
  worstMs: Milliseconds.nullable(),
  p50Ms: Milliseconds.nullable(),
  isGeneratorLate: z.boolean(),
  generatorShare: z.number().nonnegative(),
});

const FleetSchema = z.strictObject({
  cores: z.int().positive(),
  replicas: z.int().positive(),
  capacity: Rate,
  basis: z.enum(["measured", "law", "proportional", "unchanged"]).describe("where the capacity is from"),
  ratePerSecond: Rate.describe("what all carry with the reserve kept free"),
  utilisation: z.number().nonnegative(),
  addedLatencyMs: Milliseconds,
  lostShare: Share.describe("of the capacity, what is gone while one is down"),
  survivesOne: z.boolean(),
});

const CostSchema = z.strictObject({
  machine: z.string(),
  perHour: z.number().positive(),
  perMillionAtRate: z.number().positive(),
  perMillionAtFullUse: z.number().positive(),
});

const OptionSchema = z.strictObject({
  fleet: FleetSchema,
  cost: CostSchema,
  surviving: FleetSchema,
  survivingCost: CostSchema,
});

/** What came of it. */
export const OUTCOMES = {
  fits: "these settings on this machine",
  replicas: "several machines like this one",
  cannot: "no settings and no number of machines: a faster model or a looser objective is needed",
  undecided: "the measurements could not tell",
} as const;
export type Outcome = keyof typeof OUTCOMES;

export const PLAN_SCHEMA_VERSION = 1;

export const PlanSchema = z.strictObject({
  schema: z.literal(PLAN_SCHEMA_VERSION),
  model: z.strictObject({
    title: z.string().describe("as it was called: digits@2, model.onnx"),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  asked: z.strictObject({
    quantile: z.number().gt(0).lt(1),
    latencyMs: z.number().positive(),
    ratePerSecond: z.number().positive().nullable().describe("null asks for the highest rate there is"),
    rowsPerRequest: z.int().positive(),
  }),
  outcome: z.enum(Object.keys(OUTCOMES) as [Outcome, ...Outcome[]]),
  why: z.array(z.string()).min(1).describe("in sentences, with the measured numbers"),
  settings: z
    .record(z.string(), z.record(z.string(), z.number()))
    .describe("by group and name; those under server are given when a server is started"),
  threadsText: z.string().describe("what the settings come to on this machine"),
  replicas: z.int().positive().nullable(),
  ratePerReplica: Rate.nullable().describe("of the busiest replica; what was confirmed"),
  limit: z
    .strictObject({
      ratePerSecond: Rate.describe("the highest rate that met the objective in the search"),
      missedAtRate: Rate.nullable().describe("the lowest rate above it that did not"),
      tests: z.int().positive(),
      isGeneratorLimited: z.boolean(),
    })
    .nullable(),
  headroom: z
    .strictObject({
      share: Share.describe("of the limit, what is kept free"),
      variation: z.number().nonnegative().describe("standard deviation of the logarithm of window throughput"),
      windows: z.int().nonnegative(),
    })
    .nullable(),
  confirmation: WindowsSummarySchema.nullable().describe("of the rate that the plan stands on"),
  attempts: z.array(
    z.strictObject({
      replicas: z.int().positive(),
      decision: z.enum(["met", "missed", "open"]),
      isAccepted: z.boolean().describe("met, and so evenly that the next window is to be expected to meet it too"),
      summary: WindowsSummarySchema,
    }),
  ),
  lone: WindowsSummarySchema.describe("one client that waits for its answers: no rate is answered faster"),
  race: z
    .strictObject({
      candidates: z.int().positive(),
      isChanged: z.boolean().describe("whether the best was better than the current settings beyond the noise"),
      ratio: z.number().nonnegative().nullable().describe("the best over the current settings, median of pairs"),
      wins: z.int().nonnegative(),
      pairs: z.int().nonnegative(),
    })
    .nullable()
    .describe("of settings; null where it did not come to one"),
  scaling: z
    .strictObject({
      law: z.enum(["universal scalability", "Amdahl"]),
      perThread: z.number().positive(),
      contention: z.number().nonnegative(),
      crosstalk: z.number().nonnegative(),
      points: z.array(z.strictObject({ threads: z.int().positive(), perSecond: Rate })),
      residual: z.number().nonnegative().nullable(),
    })
    .nullable(),
  options: z.array(OptionSchema).describe("each priced machine, in the number it takes; the cheapest first"),
  prices: z.strictObject({ currency: z.string(), source: z.string(), asOf: z.string(), isExample: z.boolean() }),
  assumptions: z.strictObject({ imbalance: z.number().nonnegative(), balancerMs: Milliseconds }),
  load: z.strictObject({
    connections: z.int().positive(),
    payload: z.string().nullable(),
    isBinary: z.boolean(),
    seed: z.number(),
    requestBytes: z.int().nonnegative(),
    windowMs: Milliseconds.nullable(),
  }),
  machine: z.strictObject({
    fingerprint: z.string(),
    name: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
  code: z.record(z.string(), z.string()),
  tookMs: Milliseconds,
  notes: z.array(z.string()).describe("what the figures are limited by"),
});

/** A plan. Times are milliseconds, rates requests a second. */
export type Plan = z.output<typeof PlanSchema>;
export type PlanOption = Plan["options"][number];

/**
 * A plan from what a file holds.
 * @throws SlipwayError PARAMETER_INVALID
 */
export function planFrom(value: unknown, file: string): Plan {
  const parsed = PlanSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `${file} holds no plan: ${z.prettifyError(parsed.error)}. Make one with: slipway plan MODEL --p99 20ms --rate 500/s --save ${file}`,
  );
}
