// An inference listener over real serving and real sockets, whose models are mirrors in memory: for tests.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type Clock, SlipwayError } from "@slipway/core/base";
import type { DType, Signature } from "@slipway/core/tensor";
import { Settings } from "#config";
import type { CancelRun, Executor, ExecutorStatus, RunOutcome, RunRequest } from "#runtime";
import { createServing, type Serving } from "#serve";
import type { InferencePorts } from "./ports.ts";
import { createInferenceServer, type InferenceServer } from "./server.ts";

const clock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (task) => void setImmediate(task),
};

/** Answers each request with its own inputs, under the names of the outputs. */
export class MirrorExecutor implements Executor {
  readonly signature: Signature;
  readonly batching = { mode: "off", maxRows: 1, reason: "a mirror", padAxis: null } as const;
  readonly credits = 64;
  /** Keeps requests unanswered while true. */
  isHolding = false;
  cancelled = 0;
  readonly #held = new Set<() => void>();

  constructor(signature: Signature) {
    this.signature = signature;
  }

  get held(): number {
    return this.#held.size;
  }

  /** Answers what is held, and from now on everything. */
  letGo(): void {
    this.isHolding = false;
    for (const answer of this.#held) answer();
    this.#held.clear();
  }

  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    const times = { queueNs: 0, inputNs: 0, inferNs: 1, outputNs: 0, batchRows: 1, batchRequests: 1 };
    const answer = () => {
      const outputs = request.outputs.map((name, index) => ({ ...request.inputs[index]!, name }));
      done({ ok: true, outputs, times });
    };
    if (this.isHolding) this.#held.add(answer);
    else setImmediate(answer);
    return () => {
      this.cancelled++;
      this.#held.delete(answer);
    };
  }

  status(): ExecutorStatus {
    const { batching } = this;
    return {
      state: "ready",
      reason: null,
      backend: "mirror",
      intraOpThreads: 1,
      batching,
      runners: [],
      deaths: [],
      deathsByCause: {},
      containment: [],
      loadMs: 0,
    };
  }

  onChange(): () => void {
    return () => {};
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface MemoryListener {
  readonly address: string;
  readonly port: number;
  readonly server: InferenceServer;
  readonly serving: Serving;
  /** The model of `mirror`: FP32 x [N, 4] → y. Beside it there are `texts` (BYTES [N]) and `halves` (FP16 [N]). */
  readonly mirror: MirrorExecutor;
  readonly answers: { readonly route: string; readonly status: number; readonly code: string | null }[];
  readonly logged: string[];
  close(): Promise<void>;
}

/** Starts a listener, on a free port unless the limits name one. */
export async function startMemoryListener(
  limits: Partial<Settings["server"]> = {},
  ports: Partial<InferencePorts> = {},
): Promise<MemoryListener> {
  const settings = Settings.parse({ server: { port: 0, ...limits } });
  const serving = createServing({ clock, hooks: [], memoryBudgetBytes: null });
  const mirror = new MirrorExecutor(mirrorSignature("float32", ["N", 4]));
  await deploy(serving, "mirror", mirror);
  await deploy(serving, "texts", new MirrorExecutor(mirrorSignature("string", ["N"])));
  await deploy(serving, "halves", new MirrorExecutor(mirrorSignature("float16", ["N"])));
  const answers: MemoryListener["answers"] = [];
  const logged: string[] = [];
  const server = createInferenceServer({
    longTurns: { look: () => {} },
    serving,
    settings,
    clock,
    random: (length) => randomBytes(length),
    version: "1.2.3",
    statistics: async () => [],
    repository: async () => [{ name: "mirror", version: "7", state: "READY" }, { name: "asleep" }],
    labels: (_, output) => (output === "y" ? ["cat", "dog"] : null),
    log: { error: (_, message) => logged.push(message) },
    onAnswer: (route, status, code) => answers.push({ route, status, code }),
    records: {
      predict(_, records, __, done) {
        const isRefused = records.some((record) => record.kind === "instance" && record.value === "bad");
        const outcome = isRefused
          ? { ok: false as const, error: new SlipwayError("RECORD_INVALID", "instances[0] is bad.") }
          : { ok: true as const, predictions: records.map((record) => describeRecord(record)) };
        setImmediate(() => done(outcome));
        return () => {};
      },
    },
    ...ports,
  });
  const { port } = await server.listen();
  return {
    address: `http://127.0.0.1:${port}`,
    port,
    server,
    serving,
    mirror,
    answers,
    logged,
    close: async () => {
      mirror.letGo();
      await server.close(0);
      await serving.close(0);
    },
  };
}

function describeRecord(record: Parameters<InferencePorts["records"]["predict"]>[1][number]): unknown {
  return record.kind === "image" ? { bytes: [...record.bytes] } : { value: record.value };
}

function mirrorSignature(dtype: DType, shape: readonly (string | number)[]): Signature {
  const type = { kind: "tensor", dtype, shape } as const;
  return { inputs: [{ name: "x", type }], outputs: [{ name: "y", type }] };
}

async function deploy(serving: Serving, endpoint: string, executor: Executor): Promise<void> {
  const queue = { maxRequests: 1024, maxBytes: 2 ** 28, priorityLevels: 4, agingMs: 500 };
  const deploymentId = `${endpoint}-7`;
  await serving.deploy({
    deploymentId,
    endpoint,
    version: "7",
    queue,
    attachment: null,
    estimatedBytes: 0,
    load: async () => executor,
  });
}

/** A connection that says exactly the bytes it is told to, and keeps what it hears. */
export interface RawConnection {
  readonly socket: Socket;
  send(text: string | Uint8Array): void;
  /** Everything heard so far. */
  heard(): string;
  /** Waits until `count` answers (status lines) were heard, or the connection ended. */
  answers(count: number): Promise<string>;
  /** Waits until the server ends the connection. */
  ended(): Promise<string>;
}

/** Connects to a port of this machine. */
export async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => void (text += chunk));
  socket.on("error", () => {});
  const ended = once(socket, "close").then(() => text);
  // Bodies here hold no status lines, so counting them counts answers; the last must be whole.
  const isHeard = (count: number) => {
    const starts = [...text.matchAll(/HTTP\/1\.1 \d{3} /g)].filter(([line]) => !line.includes(" 100 "));
    if (starts.length < count) return false;
    const last = text.slice(starts.at(-1)!.index);
    const length = /content-length: (\d+)/i.exec(last)?.[1];
    const body = last.indexOf("\r\n\r\n");
    return body >= 0 && length !== undefined && last.length - body - 4 >= Number(length);
  };
  return {
    socket,
    send: (data) => void socket.write(data),
    heard: () => text,
    ended: () => ended,
    async answers(count) {
      while (!socket.closed && !isHeard(count)) await Promise.race([once(socket, "data"), ended]);
      return text;
    },
  };
}
