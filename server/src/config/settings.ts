// Every setting of Slipway, once: its type, default, range and meaning. Flags, environment, `slipway.yaml`, the
// administration API, docs/configuration.md and the tests all read this schema.
import { z } from "zod";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** How a deployment runs its version. Every key may also be given per deployment. */
export const RuntimeSettings = z
  .strictObject({
    instances: z.int().min(1).max(64).default(1).describe("Runner processes of a deployment"),
    intraOpThreads: z
      .int()
      .min(0)
      .max(256)
      .default(0)
      .describe(
        "Threads a single run may use; 0 divides the cores, but for one left to the front, among the instances",
      ),
    inline: z
      .boolean()
      .default(false)
      .describe("Run inside the server process, with no containment: only for tiny models you trust"),
    maxBatchRows: z.int().min(1).max(4096).default(32).describe("Most rows one run takes; 1 turns batching off"),
    batching: z
      .enum(["auto", "off"])
      .default("auto")
      .describe(
        "auto batches requests of compatible shape where the model's first axis is free and its rows do not mix",
      ),
    padAxis: z
      .int()
      .min(1)
      .max(63)
      .nullable()
      .default(null)
      .describe("Axis of the inputs that may be padded to batch requests of different length; null never pads"),
    padValues: z
      .record(z.string().min(1), z.number())
      .default({})
      .describe("What inputs are padded with, by name, such as a tokenizer's padding id; 0 where not named"),
    maskInput: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        "Input that marks a request's own positions with 1; named here, requests may leave it out and the server makes it. attention_mask and input_mask are padded with 0 unnamed",
      ),
    runTimeoutMs: z
      .int()
      .min(10)
      .max(3_600_000)
      .default(30_000)
      .describe("Hard limit of one run; past it the runner is killed and its batch retried one by one"),
    loadTimeoutMs: z.int().min(100).max(3_600_000).default(120_000).describe("Hard limit of loading and warming up"),
    memoryLimitBytes: z
      .int()
      .min(128 * MIB)
      .max(2 ** 50)
      .default(4 * GIB)
      .describe("Memory ceiling of one runner; over it the runner is killed"),
    constantFoldingLimitBytes: z
      .int()
      .min(0)
      .max(2 ** 40)
      .default(64 * MIB)
      .describe("Largest constant ONNX Runtime may fold while loading"),
    graphOptimizationLevel: z
      .enum(["disabled", "basic", "extended", "all"])
      .default("all")
      .describe("ONNX Runtime's graph optimisation"),
    executionProviders: z
      .array(z.string())
      .min(1)
      .default(["cpu"])
      .describe("ONNX Runtime execution providers, most preferred first"),
    sessionConfig: z
      .record(
        z
          .string()
          .regex(/^(session|optimization|mlas|ep)\.[A-Za-z0-9_.]+$/, "keys look like session.disable_prepacking"),
        z.string(),
      )
      .default({})
      .describe("ONNX Runtime session configuration entries, as session.* keys"),
    warmUpRuns: z.int().min(0).max(1000).default(2).describe("Runs on made-up inputs before a runner counts as ready"),
    maxDistinctDeaths: z
      .int()
      .min(1)
      .max(1000)
      .default(3)
      .describe("Distinct inputs that may kill a runner within ten minutes before the deployment is quarantined"),
  })
  .describe("runtime");

/** How requests wait for a deployment. Every key may also be given per deployment. */
export const QueueSettings = z
  .strictObject({
    maxRequests: z.int().min(1).max(1_000_000).default(1024).describe("Requests that may wait for one deployment"),
    maxBytes: z
      .int()
      .min(1024)
      .max(2 ** 40)
      .default(256 * MIB)
      .describe("Bytes of inputs that may wait for one deployment"),
    defaultTimeoutMs: z
      .int()
      .min(1)
      .max(3_600_000)
      .default(30_000)
      .describe("Deadline of a request that names none, from its arrival"),
    maxTimeoutMs: z.int().min(1).max(86_400_000).default(300_000).describe("Latest deadline a request may ask for"),
    priorityLevels: z
      .int()
      .min(1)
      .max(16)
      .default(4)
      .describe("Priorities a request may ask for, 1 (first) to this number; 0 means the middle one"),
    agingMs: z
      .int()
      .min(1)
      .max(3_600_000)
      .default(500)
      .describe("After waiting this long a request counts as one priority higher, so that none starves"),
  })
  .describe("queue");

export const ServerSettings = z
  .strictObject({
    host: z.string().min(1).default("127.0.0.1").describe("Address of the inference listener"),
    fronts: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe("Front processes that share the inference port, each with a queue of its own; more than 1 needs Linux"),
    port: z.int().min(0).max(65535).default(8000).describe("Port of the inference listener; 0 takes a free one"),
    adminHost: z.string().min(1).default("127.0.0.1").describe("Address of the console and administration listener"),
    adminPort: z
      .int()
      .min(0)
      .max(65535)
      .default(8010)
      .describe("Port of the console and administration listener; 0 takes a free one"),
    insecurePublic: z
      .boolean()
      .default(false)
      .describe("Listen on a public address although there is no access control yet"),
    maxBodyBytes: z
      .int()
      .min(1024)
      .max(2 ** 40)
      .default(64 * MIB)
      .describe("Largest request body, also after decompression"),
    maxHeaderBytes: z
      .int()
      .min(1024)
      .max(MIB)
      .default(16 * 1024)
      .describe("Largest request head"),
    maxConnections: z.int().min(1).max(1_000_000).default(16_384).describe("Open inference connections"),
    headersTimeoutMs: z
      .int()
      .min(100)
      .max(3_600_000)
      .default(10_000)
      .describe("Time a client has to send a request's head"),
    requestTimeoutMs: z
      .int()
      .min(100)
      .max(3_600_000)
      .default(60_000)
      .describe("Time a client has to send a whole request"),
    keepAliveTimeoutMs: z.int().min(0).max(3_600_000).default(65_000).describe("Time an idle connection is kept"),
    drainTimeoutMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(20_000)
      .describe("Time requests in flight have to finish when the server stops"),
  })
  .describe("server");

export const LogSettings = z
  .strictObject({
    level: z
      .enum(["trace", "debug", "info", "warn", "error", "silent"])
      .default("info")
      .describe("Least severe line that is written"),
    format: z
      .enum(["auto", "json", "text"])
      .default("auto")
      .describe("auto writes text to a terminal and JSON elsewhere"),
  })
  .describe("log");

/** The whole configuration. */
export const Settings = z.strictObject({
  dataDir: z.string().min(1).default(".slipway").describe("Directory that holds everything Slipway stores"),
  repository: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("Directory of models to serve beside the registry, as NAME/VERSION/model.onnx"),
  memoryBudgetBytes: z
    .int()
    .min(0)
    .max(2 ** 50)
    .default(0)
    .describe("Memory all runners together may need when loading; 0 takes 80 % of this machine's"),
  server: ServerSettings.prefault({}),
  runtime: RuntimeSettings.prefault({}),
  queue: QueueSettings.prefault({}),
  log: LogSettings.prefault({}),
});

export type Settings = z.infer<typeof Settings>;
export type RuntimeSettings = z.infer<typeof RuntimeSettings>;
export type QueueSettings = z.infer<typeof QueueSettings>;

/** What a deployment sets differently from the configuration. */
export const DeploymentSettings = z.strictObject({
  runtime: partOf(RuntimeSettings).optional(),
  queue: partOf(QueueSettings).optional(),
});
export type DeploymentSettings = z.infer<typeof DeploymentSettings>;

/** Any of an object's keys, with nothing in the place of those left out: `partial` alone would put the defaults there. */
function partOf<Shape extends z.core.$ZodShape>(object: z.ZodObject<Shape>) {
  const shape = Object.fromEntries(
    Object.entries(object.shape).map(([name, schema]) => {
      const whole = schema as unknown as z.ZodDefault<z.ZodType>;
      return [
        name,
        whole
          .unwrap()
          .optional()
          .describe(whole.description ?? ""),
      ];
    }),
  );
  return z.strictObject(shape) as unknown as ReturnType<typeof object.partial>;
}
