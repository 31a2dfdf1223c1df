// What is known of a device a model may be put on: figures that each say where they come from. A profile is data; people
// write their own as JSON, or have it measured (`slipway profile --device`).
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";

const Source = z
  .string()
  .min(1)
  .max(1000)
  .describe("where the figure comes from: a data sheet, a measurement, a reckoning");
const figure = (unit: string) =>
  z.strictObject({
    value: z.number().positive().nullable().describe(`${unit}; null where it is not known`),
    source: Source,
  });

export const DEVICE_PLACES = ["edge", "browser", "server"] as const;

export const DEVICE_PROFILE = z.strictObject({
  format: z.literal("slipway-device@1"),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens")
    .describe("in results: fit.latency[NAME]"),
  about: z.string().max(500),
  place: z.enum(DEVICE_PLACES).describe("edge: a device of its own; browser: whatever the user has; server: yours"),
  engine: z.string().max(200).describe("what runs the model there"),
  asOf: z.iso.date().describe("when the figures were gathered"),
  cores: z.int().positive().nullable().describe("cores a run is spread over; null where that means nothing"),
  memoryBytes: figure("bytes a model and its engine may take"),
  matrixFlops: figure("sustained operations a second of matrix products of float32"),
  convolutionFlops: figure("sustained operations a second of convolutions of float32"),
  bandwidthBytes: figure("bytes a second read from and written to memory"),
  cacheBytes: figure("bytes a node may read and write without leaving the caches"),
  cacheBandwidthBytes: figure("bytes a second read from and written to caches"),
  nodeSeconds: figure("seconds any node takes, however small"),
  runSeconds: figure("seconds a run takes beyond its nodes: handing inputs and outputs over"),
  busyWatts: figure("watts beyond idling while a run keeps the device busy"),
  downloadBytes: figure("bytes of model file that may be sent there"),
  engineBytes: figure("memory of the engine without a model, bytes"),
  operators: z
    .strictObject({
      names: z
        .array(z.string().max(200))
        .max(5000)
        .nullable()
        .describe("operators it runs, those of other domains as DOMAIN.NAME; null where the list is not known"),
      isAll: z.boolean().describe("whether it runs whatever ONNX Runtime's CPU provider does"),
      others: z.enum(["fall-back", "refused"]).describe("what becomes of a model with others"),
      source: Source,
    })
    .describe("operators it runs"),
  uncertaintyFactor: z
    .number()
    .min(1)
    .max(100)
    .describe("a run takes between the estimated time divided by it and times it"),
});

export type DeviceProfile = z.output<typeof DEVICE_PROFILE>;
export type DeviceFigure = DeviceProfile["memoryBytes"];

/**
 * A profile that was written down.
 * @throws SlipwayError PARAMETER_INVALID for what is none, naming the field
 */
export function deviceProfileFrom(json: unknown, where: string): DeviceProfile {
  const parsed = DEVICE_PROFILE.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `${where} is no device profile: ${z.prettifyError(parsed.error)} Take one that \`slipway profile --device --out FILE\` wrote as an example.`,
  );
}
