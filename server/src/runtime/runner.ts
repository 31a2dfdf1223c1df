// The heart of a runner: takes run frames from any number of links, forms batches whenever it is idle, runs them and
// answers each stream exactly once. It knows a back end and a clock, neither processes nor sockets, so that simulations
// run the same code in memory.
import type { Backend, ModelBytes, Session } from "@slipway/core/backend";
import { type Clock, type ErrorCode, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { NamedTensor, Tensor } from "@slipway/core/tensor";
import { ArrayPool } from "./array-pool.ts";
import { joinRows, lengthAlong, trimRows } from "./batch-tensors.ts";
import { Batcher } from "./batcher.ts";
import { type ControlMessage, controlMessage, type LoadedModel, type LoadOrder } from "./control.ts";
import { CostModel } from "./cost-model.ts";
import { creditsOf } from "./dispatcher.ts";
import type { FrameBody, FrameTensor } from "./frame-reader.ts";
import type { FrameWriter, Send } from "./frame-writer.ts";
import { FrameFlag, FrameKind, frameError } from "./frames.ts";
import { maskOfOnes } from "./mask-input.ts";
import type { ModelFiles } from "./model-files.ts";
import { type PreparedModel, prepareModel } from "./prepare-model.ts";
import { Peer, type Pending } from "./runner-peer.ts";
import { WorthwhileRows } from "./worthwhile-rows.ts";

/** A request overtakes others for having a sooner deadline only while those have waited less than this. */
const PATIENCE_MS = 200;
/** Most input elements of a batch, padding included: 256 MiB of float32. */
const MAX_BATCH_ELEMENTS = 2 ** 26;
const MEMORY_REPORT_MS = 250;
/** A front counts among those that share this runner for so long after it had anything here. */
const ACTIVE_MS = 500;
/** What may be handed over is told anew where it is less or more than this of what was told. */
const TOLD_LOW = 0.75;
const TOLD_HIGH = 1.5;

export interface RunnerPorts {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly readFiles: (files: ModelFiles) => Promise<ModelBytes>;
}

/** One end of a link to a front, as the runner's owner drives it. */
export interface RunnerPeer {
  /**
   * Takes bytes from the link.
   * @throws SlipwayError RUNNER_PROTOCOL when they are no frames; the link must then be closed
   */
  receive(chunk: Uint8Array): void;
  /** The link is gone: what it asked for is dropped. */
  closed(): void;
}

interface Loaded {
  readonly session: Session;
  readonly model: PreparedModel;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly allOutputs: readonly number[];
  readonly batcher: Batcher<Pending>;
  /** Null where lengths differ: then the cost of each group decides. */
  readonly worthwhile: WorthwhileRows | null;
}

export class RunnerCore {
  readonly #ports: RunnerPorts;
  readonly #peers = new Set<Peer>();
  readonly #cost = new CostModel();
  readonly #arrays = new ArrayPool();
  #loaded: Loaded | null = null;
  #isLoading = false;
  /** Whether fronts can't know by themselves what runs, since others may have something here too. */
  #isShared = false;
  #isClosed = false;
  /** The run in progress; null while idle. */
  #running: Promise<void> | null = null;
  #isPumpDue = false;
  #activeFronts = 1;
  /** What fronts were last told of what they may hand over; null before that. */
  #credits: number | null = null;
  #reportsMemory = false;
  #memoryReportedAt = Number.NEGATIVE_INFINITY;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
  }

  /** Takes on a link; `send` takes bytes for its other end. */
  attach(send: Send): RunnerPeer {
    const peer = new Peer(send, (frame) => this.#onFrame(peer, frame));
    this.#peers.add(peer);
    if (this.#credits !== null) peer.control({ type: "credits", requests: this.#credits });
    return {
      receive: (chunk) => peer.reader.push(chunk),
      closed: () => {
        this.#peers.delete(peer);
        for (const item of peer.open.values()) item.isCancelled = true;
        peer.open.clear();
      },
    };
  }

  /** Unloads the model, after the run in progress, whose session must not go meanwhile. What is open stays unanswered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const loaded = this.#loaded;
    this.#loaded = null;
    await this.#running;
    await loaded?.session.unload();
  }

  #onFrame(peer: Peer, frame: FrameBody): void {
    switch (frame.kind) {
      case FrameKind.run:
        this.#onRun(peer, frame);
        break;
      case FrameKind.cancel: {
        const item = peer.open.get(frame.stream);
        if (item !== undefined) item.isCancelled = true;
        break;
      }
      case FrameKind.control:
        this.#onControl(peer, controlMessage(frame.json()));
        break;
      default:
        throw frameError(`kind ${frame.kind} at a runner`);
    }
  }

  #onControl(peer: Peer, message: ControlMessage): void {
    if (message.type === "ping") {
      peer.control({ type: "pong" });
      return;
    }
    if (message.type !== "load") throw frameError(`control message ${JSON.stringify(message.type)} at a runner`);
    if (this.#isLoading || this.#loaded !== null) throw frameError("a second load");
    this.#isLoading = true;
    this.#isShared = message.isShared;
    void this.#load(message.order).then(
      (model) => peer.control({ type: "loaded", model }),
      (error: unknown) => {
        this.#isLoading = false;
        const { code, message: text } = slipwayErrorFrom(error);
        peer.control({ type: "refused", code, message: text });
      },
    );
  }

  async #load(order: LoadOrder): Promise<LoadedModel> {
    const { backend, readFiles } = this.#ports;
    const session = await backend.load(await readFiles(order.files), order.session);
    const model = await prepareModel(session, order, this.#ports.clock, this.#cost);
    if (this.#isClosed) {
      await session.unload();
      throw new SlipwayError("SHUTTING_DOWN", "The runner was closed while it loaded the model.");
    }
    const { signature } = model;
    this.#reportsMemory = order.reportsMemory;
    this.#loaded = {
      session,
      model,
      inputNames: signature.inputs.map(({ name }) => name),
      outputNames: signature.outputs.map(({ name }) => name),
      allOutputs: signature.outputs.map((_, index) => index),
      batcher: new Batcher<Pending>(
        {
          maxRows: model.plan.maxRows,
          maxElements: MAX_BATCH_ELEMENTS,
          padAxis: model.padding?.axis ?? null,
          grouping: order.batching.grouping,
          patienceMs: PATIENCE_MS,
        },
        this.#cost,
      ),
      worthwhile:
        model.padding === null && model.plan.mode === "dynamic" ? new WorthwhileRows(model.plan.maxRows) : null,
    };
    return { signature, batching: model.plan, backend: backend.name };
  }

  #onRun(peer: Peer, frame: FrameBody): void {
    const loaded = this.#loaded;
    if (loaded === null) throw frameError("a run before the model is loaded");
    if (peer.open.get(frame.stream) !== undefined) throw frameError(`stream ${frame.stream} opened twice`);
    const now = this.#ports.clock.now();
    const sizeBytes = frame.left;
    const rows = frame.u32();
    const wanted = frame.u32();
    const outputs = wanted === 0 ? loaded.allOutputs : frame.u16List(wanted);
    for (const port of outputs) if (port >= loaded.outputNames.length) throw frameError(`output ${port}`);
    const inputs: (FrameTensor | undefined)[] = Array.from({ length: loaded.inputNames.length });
    let elements = 0;
    // Rows that are not what the request says could end up in another's answer: such a request runs by itself.
    let isAlone = (frame.flags & FrameFlag.alone) !== 0 || loaded.model.plan.mode === "off";
    while (frame.left > 0) {
      const tensor = frame.tensor();
      if (tensor.shape[0] !== rows) isAlone = true;
      if (tensor.port >= inputs.length || inputs[tensor.port] !== undefined) throw frameError(`input ${tensor.port}`);
      inputs[tensor.port] = tensor;
      elements += tensor.data.length;
    }
    const { mask, padding } = loaded.model;
    if (mask !== null && inputs[mask.port] === undefined) {
      const made = maskOfOnes(mask, inputs);
      inputs[mask.port] = { port: mask.port, ...made };
      elements += made.data.length;
    }
    const item: Pending = {
      peer,
      stream: frame.stream,
      inputs,
      outputs,
      rows,
      sizeBytes,
      elements,
      length: padding === null ? elements / Math.max(1, rows) : lengthAlong(padding, inputs),
      arrivedAt: now,
      deadline: now + frame.remainingMs,
      isAlone,
      isCancelled: false,
    };
    peer.open.set(frame.stream, item);
    loaded.batcher.add(item);
    this.#pumpSoon();
  }

  #pumpSoon(): void {
    if (this.#isPumpDue || this.#running !== null) return;
    this.#isPumpDue = true;
    this.#ports.clock.soon(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  /** Forms a batch of what waits and runs it. What was answered before leaves together with the word of what runs now. */
  #pump(): void {
    if (this.#loaded === null) return;
    const { batcher } = this.#loaded;
    const now = this.#ports.clock.now();
    const { batch, dropped } = batcher.next(now, this.#loaded.worthwhile?.next());
    for (const item of dropped) {
      if (item.isCancelled) this.#fail(item, "REQUEST_CANCELLED", "The request was cancelled.");
      else this.#fail(item, "DEADLINE_EXCEEDED", "The deadline passed while the request waited for its run.");
    }
    if (this.#reportsMemory && now - this.#memoryReportedAt >= MEMORY_REPORT_MS) this.#reportMemory(now);
    if (this.#isShared) this.#shareOut(now);
    if (batch.length > 0) this.#announce(batch, batcher.size > 0);
    this.#flush();
    if (batch.length === 0) return;
    this.#running = this.#run(batch, now).finally(() => {
      this.#running = null;
      // With others waiting, the answers leave together with the word of what runs next.
      if (batcher.size > 0) this.#pumpSoon();
      else this.#flush();
    });
  }

  /** Tells each front which of its streams run now, so that it knows what was running should this process die. */
  #announce(batch: readonly Pending[], isMoreWaiting: boolean): void {
    const [first] = batch;
    // A front that is alone knows that its only stream runs.
    if (!this.#isShared && batch.length === 1 && !isMoreWaiting && first!.peer.open.size === 1) return;
    for (const peer of this.#peers) {
      const streams: number[] = [];
      for (const item of batch) if (item.peer === peer) streams.push(item.stream);
      if (streams.length > 0) peer.begin(streams);
    }
  }

  /** Tells the fronts among how many this runner's capacity is shared, whenever that changed. */
  #shareOut(now: number): void {
    let active = 0;
    for (const peer of this.#peers) {
      if (peer.open.size > 0) peer.busyAt = now;
      if (now - peer.busyAt < ACTIVE_MS) active++;
    }
    if (active === this.#activeFronts) return;
    this.#activeFronts = active;
    for (const peer of this.#peers) peer.control({ type: "fronts", active: Math.max(1, active) });
  }

  #reportMemory(now: number): void {
    this.#memoryReportedAt = now;
    const residentBytes = this.#ports.backend.residentBytes();
    if (residentBytes === null) return;
    for (const peer of this.#peers) peer.control({ type: "memory", residentBytes });
  }

  async #run(batch: readonly Pending[], formedAt: number): Promise<void> {
    const loaded = this.#loaded!;
    const { clock } = this.#ports;
    let rows = 0;
    for (const item of batch) rows += item.rows;
    let outputs: NamedTensor[];
    let startedAt: number;
    let endedAt: number;
    const { outputs: ports } = batch[0]!;
    try {
      const inputs = this.#join(loaded, batch);
      startedAt = clock.now();
      outputs = await loaded.session.run(
        inputs,
        ports.map((port) => loaded.outputNames[port]!),
      );
      endedAt = clock.now();
      const length = batch.reduce((longest, item) => Math.max(longest, item.length), 0);
      this.#cost.observe(Math.max(1, rows), length, endedAt - startedAt);
      this.#observeSize(loaded, batch, rows, endedAt - startedAt);
      if (this.#isClosed) return;
    } catch (error) {
      if (!this.#isClosed) this.#onRunFailed(batch, slipwayErrorFrom(error));
      return;
    }
    if (batch.length > 1 && outputs.some(({ shape }) => shape[0] !== rows)) {
      this.#stopBatching("an output's rows are not the batch's");
      this.#runAlone(batch);
      return;
    }
    const times = {
      inputNs: (startedAt - formedAt) * 1e6,
      inferNs: (endedAt - startedAt) * 1e6,
      outputNs: 0,
      batchRows: rows,
      batchRequests: batch.length,
    };
    let firstRow = 0;
    for (const item of batch) {
      times.outputNs = (clock.now() - endedAt) * 1e6;
      this.#answer(item, firstRow, outputs, ports, (formedAt - item.arrivedAt) * 1e6, times, batch.length === 1);
      firstRow += item.rows;
    }
  }

  /** Learns what a batch of this size takes, and tells the fronts how much to hand over, where that changed. */
  #observeSize({ worthwhile, model }: Loaded, batch: readonly Pending[], rows: number, tookMs: number): void {
    if (worthwhile === null) return;
    let sizeBytes = 0;
    for (const item of batch) sizeBytes += item.sizeBytes;
    worthwhile.observe(rows, sizeBytes, tookMs);
    const { credits } = worthwhile;
    const told = this.#credits ?? creditsOf(model.plan);
    if (credits >= TOLD_LOW * told && credits <= TOLD_HIGH * told) return;
    this.#credits = credits;
    for (const peer of this.#peers) peer.control({ type: "credits", requests: credits });
  }

  #join(loaded: Loaded, batch: readonly Pending[]): NamedTensor[] {
    this.#arrays.reuse();
    const inputs: NamedTensor[] = [];
    const { padding } = loaded.model;
    for (let port = 0; port < loaded.inputNames.length; port++) {
      if (batch[0]!.inputs[port] === undefined) continue;
      const tensor = joinRows(
        batch.map((item) => item.inputs[port]!),
        padding?.axis ?? null,
        padding?.values[port] ?? 0,
        this.#arrays.take,
      );
      inputs.push({ name: loaded.inputNames[port]!, dtype: tensor.dtype, shape: tensor.shape, data: tensor.data });
    }
    return inputs;
  }

  #answer(
    item: Pending,
    firstRow: number,
    outputs: readonly Tensor[],
    ports: readonly number[],
    queueNs: number,
    times: { inputNs: number; inferNs: number; outputNs: number; batchRows: number; batchRequests: number },
    isWhole: boolean,
  ): void {
    if (item.isCancelled) {
      this.#fail(item, "REQUEST_CANCELLED", "The request was cancelled.");
      return;
    }
    const { writer, open } = item.peer;
    open.delete(item.stream);
    try {
      writer.begin(FrameKind.result, FrameFlag.final, item.stream, 0, 0);
      writer.f32Pair(queueNs, times.inputNs);
      writer.f32Pair(times.inferNs, times.outputNs);
      writer.u32Pair(times.batchRows, times.batchRequests);
      for (let index = 0; index < outputs.length; index++) {
        this.#output(writer, item, ports[index]!, outputs[index]!, firstRow, isWhole);
      }
      writer.end();
    } catch (error) {
      const { code, message } = slipwayErrorFrom(error);
      item.peer.failure(item.stream, code === "REQUEST_TOO_LARGE" ? "RUN_FAILED" : code, message);
    }
  }

  #output(writer: FrameWriter, item: Pending, port: number, output: Tensor, firstRow: number, isWhole: boolean): void {
    const { dtype, shape, data } = output;
    if (isWhole) {
      writer.tensor(port, dtype, shape, shape[0] ?? 0, data, 0, data.length);
      return;
    }
    const padding = this.#loaded!.model.padding;
    const axis = padding?.outputAxes[port] ?? null;
    if (axis !== null && shape[axis] !== item.length) {
      const cut = trimRows(output, firstRow, firstRow + item.rows, axis, item.length);
      writer.tensor(port, dtype, cut.shape, item.rows, cut.data, 0, cut.data.length);
      return;
    }
    const width = shape[0] === 0 ? 0 : data.length / shape[0]!;
    writer.tensor(port, dtype, shape, item.rows, data, firstRow * width, (firstRow + item.rows) * width);
  }

  #onRunFailed(batch: readonly Pending[], error: SlipwayError): void {
    if (batch.length > 1) {
      this.#runAlone(batch);
      return;
    }
    this.#fail(batch[0]!, error.code, error.message);
  }

  /** One request's fault is not its batch mates': each gets a run of its own. */
  #runAlone(batch: readonly Pending[]): void {
    for (const item of batch) {
      item.isAlone = true;
      this.#loaded!.batcher.add(item);
    }
  }

  #stopBatching(reason: string): void {
    const { model } = this.#loaded!;
    if (model.plan.mode === "off") return;
    model.plan = { mode: "off", maxRows: 1, reason, padAxis: null };
    for (const item of this.#loaded!.batcher.clear()) {
      item.isAlone = true;
      this.#loaded!.batcher.add(item);
    }
    for (const peer of this.#peers) peer.control({ type: "batching", plan: model.plan });
  }

  #fail(item: Pending, code: ErrorCode, message: string): void {
    if (item.peer.open.delete(item.stream)) item.peer.failure(item.stream, code, message);
  }

  #flush(): void {
    for (const peer of this.#peers) peer.writer.flush();
  }
}
