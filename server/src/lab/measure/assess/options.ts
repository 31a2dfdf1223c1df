// What can be chosen when a model's quality is measured or two are compared: one schema for both.
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";

export const QUALITY_OPTIONS = z.strictObject({
  task: z
    .enum(["auto", "classification", "regression"])
    .default("auto")
    .describe("auto: classification where labels are classes, regression where they are numbers"),
  output: z.string().nullable().default(null).describe("the output to take, where there are several"),
  scores: z
    .enum(["probabilities", "logits"])
    .nullable()
    .default(null)
    .describe("what a classifier's output is; null finds out"),
  positive: z
    .union([z.int().min(0), z.string()])
    .nullable()
    .default(null)
    .describe("of two classes, the index or name of the one that is looked for; null takes class 1"),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .describe("of two classes, the probability from which the positive one is predicted; null takes the likelier"),
  topK: z
    .array(z.int().min(1))
    .max(10)
    .nullable()
    .default(null)
    .describe("for which k it counts as right to have the label among the k highest scores; null takes 5 of more"),
  quantiles: z
    .array(z.number().gt(0).lt(1))
    .max(20)
    .default([])
    .describe("quantiles as which a regressor's output is judged by its quantile loss"),
  slices: z.array(z.string().min(1)).max(20).default([]).describe("columns by whose values quality is told apart"),
  confidence: z.number().min(0.5).max(0.9999).default(0.95).describe("of intervals"),
  resamples: z
    .int()
    .min(0)
    .max(100_000)
    .default(2000)
    .describe("for bootstrap intervals; fewer, or none, are taken where rows are many: intervals are then normal"),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1).describe("of the resamples"),
});

export type QualityOptions = z.output<typeof QUALITY_OPTIONS>;

export function unusable(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}
