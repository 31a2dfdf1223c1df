// Which waiting requests run together next. Pure: time comes in as numbers, and nothing is waited for. A batch is formed
// whenever the runner is idle, of what is there; requests join where their tensors differ in rows alone.
//
// Order: a request's urgency is its deadline, or its arrival plus a patience where that is sooner. The most urgent
// request always runs next, and what fits joins it. As urgency never changes, a request is overtaken only by those that
// arrived within the patience after it, whatever their shape: none starves.
//
// Where lengths may differ, what fits is what the measured cost says is cheapest run together (length-groups.ts).
import type { DType } from "@slipway/core/tensor";
import type { CostModel } from "./cost-model.ts";
import { groupOfFirst } from "./length-groups.ts";

/** A tensor as far as batching looks at it. */
export interface BatchTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A waiting request as far as batching looks at it. */
export interface BatchItem {
  /** By the signature's order of inputs; undefined where an optional input was left out. */
  readonly inputs: readonly (BatchTensor | undefined)[];
  /** Wanted outputs by the signature's order. */
  readonly outputs: readonly number[];
  /** Rows it adds to a batch. */
  readonly rows: number;
  /** Elements of its inputs. */
  readonly elements: number;
  /** Length along the padded axis, or elements of a row where nothing is padded: what its cost is measured by. */
  readonly length: number;
  readonly arrivedAt: number;
  readonly deadline: number;
  /** It must not share its run. */
  isAlone: boolean;
  isCancelled: boolean;
}

export interface BatchLimits {
  /** Most rows of a batch. A single request with more runs by itself. */
  readonly maxRows: number;
  /** Most elements of a batch's inputs, padding included. */
  readonly maxElements: number;
  /** Axis whose length may differ between the requests of a batch; null for none. */
  readonly padAxis: number | null;
  /** How requests of different length are grouped; see `LengthGrouping`. */
  readonly grouping: LengthGrouping;
  /** How long a request waits before it goes ahead of those with sooner deadlines. */
  readonly patienceMs: number;
}

/**
 * "cost": those that are cheapest run together. "arrival": whatever waits is padded to the longest, as other servers do
 * it; there to be measured against.
 */
export type LengthGrouping = "cost" | "arrival";

/** What to do next. */
export interface BatchChoice<Item> {
  /** What runs together; empty when nothing waits. */
  readonly batch: readonly Item[];
  /** Cancelled or past their deadline; these never ran. */
  readonly dropped: readonly Item[];
}

interface Waiting<Item> {
  readonly item: Item;
  readonly urgency: number;
}

/** Requests that may share a run, most urgent first. */
interface Group<Item> {
  readonly sample: BatchItem;
  readonly waiting: Waiting<Item>[];
}

/** The requests waiting at a runner. */
export class Batcher<Item extends BatchItem> {
  readonly #limits: BatchLimits;
  readonly #cost: CostModel;
  readonly #groups: Group<Item>[] = [];
  #size = 0;

  constructor(limits: BatchLimits, cost: CostModel) {
    this.#limits = limits;
    this.#cost = cost;
  }

  /** Requests waiting. */
  get size(): number {
    return this.#size;
  }

  add(item: Item): void {
    this.#size++;
    const urgency = Math.min(item.deadline, item.arrivedAt + this.#limits.patienceMs);
    const waiting = this.#groupOf(item).waiting;
    let index = waiting.length;
    while (index > 0 && waiting[index - 1]!.urgency > urgency) index--;
    if (index === waiting.length) waiting.push({ item, urgency });
    else waiting.splice(index, 0, { item, urgency });
  }

  /**
   * Takes the next batch out, and what is no longer to be run.
   * @param mostRows most rows that are worth it now; see worthwhile-rows.ts
   */
  next(now: number, mostRows = this.#limits.maxRows): BatchChoice<Item> {
    const dropped: Item[] = [];
    let batch: Item[] = [];
    while (batch.length === 0 && this.#size > 0) {
      const index = this.#mostUrgent();
      const group = this.#groups[index]!;
      batch = this.#take(group, now, mostRows, dropped);
      if (group.waiting.length === 0) this.#groups.splice(index, 1);
    }
    return { batch, dropped };
  }

  /** Takes everything out. */
  clear(): Item[] {
    const items = this.#groups.flatMap(({ waiting }) => waiting.map(({ item }) => item));
    this.#groups.length = 0;
    this.#size = 0;
    return items;
  }

  #take(group: Group<Item>, now: number, mostRows: number, dropped: Item[]): Item[] {
    const batch: Item[] = [];
    const kept: Waiting<Item>[] = [];
    const load = new BatchLoad({ ...this.#limits, maxRows: mostRows }, this.#cost, now);
    const { waiting } = group;
    const company = this.#companyIn(waiting, now);
    let index = 0;
    for (; index < waiting.length && !load.isFull; index++) {
      const entry = waiting[index]!;
      if (isOver(entry.item, now)) dropped.push(entry.item);
      else if ((company === null || company.has(entry.item)) && load.admits(entry.item)) batch.push(entry.item);
      else kept.push(entry);
    }
    waiting.splice(0, index, ...kept);
    this.#size -= index - kept.length;
    return batch;
  }

  /** Which may join the most urgent of a group; null where lengths do not differ, so that any may. */
  #companyIn(waiting: readonly Waiting<Item>[], now: number): ReadonlySet<Item> | null {
    if (this.#limits.padAxis === null || this.#limits.grouping === "arrival") return null;
    const items = waiting.map(({ item }) => item).filter((item) => !isOver(item, now));
    const [first, ...others] = items;
    if (first === undefined || first.isAlone || others.every(({ length }) => length === first.length)) return null;
    return groupOfFirst([first, ...others.filter(({ isAlone }) => !isAlone)], this.#limits, this.#cost);
  }

  #mostUrgent(): number {
    let best = 0;
    for (let index = 1; index < this.#groups.length; index++) {
      if (this.#groups[index]!.waiting[0]!.urgency < this.#groups[best]!.waiting[0]!.urgency) best = index;
    }
    return best;
  }

  #groupOf(item: Item): Group<Item> {
    for (const group of this.#groups) {
      if (canShare(group.sample, item, this.#limits.padAxis)) return group;
    }
    const group: Group<Item> = { sample: item, waiting: [] };
    this.#groups.push(group);
    return group;
  }
}

/** Whether nobody waits for its answer any more. */
function isOver(item: BatchItem, now: number): boolean {
  return item.isCancelled || item.deadline <= now;
}

/**
 * Every other run takes longer than foreseen, and an answer takes a way back: a batch that would end on the dot would be
 * late for all in it, so more than one request runs only where this times what is foreseen is left.
 */
const ROOM = 1.25;

/** What a batch holds while it is being filled. */
class BatchLoad {
  readonly #limits: BatchLimits;
  readonly #cost: CostModel;
  readonly #now: number;
  #rows = 0;
  #widest = 0;
  #longest = 0;
  #deadline = Number.POSITIVE_INFINITY;
  isFull = false;

  constructor(limits: BatchLimits, cost: CostModel, now: number) {
    this.#limits = limits;
    this.#cost = cost;
    this.#now = now;
  }

  /** Counts the item in where it fits. The first always does. */
  admits(item: BatchItem): boolean {
    const isFirst = this.#rows === 0;
    if (!isFirst && item.isAlone) return false;
    const itemRows = Math.max(1, item.rows);
    const rows = this.#rows + itemRows;
    const widest = Math.max(this.#widest, item.elements / itemRows);
    const longest = Math.max(this.#longest, item.length);
    const foreseenMs = this.#cost.estimateMs(rows, longest);
    const isHopeless = isFirst && this.#now + foreseenMs > item.deadline;
    // One that will be late whatever joins it shall not keep others from joining.
    const deadline = isHopeless ? Number.POSITIVE_INFINITY : Math.min(this.#deadline, item.deadline);
    if (!isFirst) {
      if (rows > this.#limits.maxRows || rows * widest > this.#limits.maxElements) return false;
      if (this.#now + ROOM * foreseenMs > deadline) return false;
    }
    this.#rows = rows;
    this.#widest = widest;
    this.#longest = longest;
    this.#deadline = deadline;
    this.isFull = item.isAlone || rows >= this.#limits.maxRows;
    return true;
  }
}

/** Whether two requests' tensors differ in nothing but rows, and in length along `padAxis`. */
export function canShare(a: BatchItem, b: BatchItem, padAxis: number | null): boolean {
  if (a.inputs.length !== b.inputs.length || !isSameList(a.outputs, b.outputs)) return false;
  for (let port = 0; port < a.inputs.length; port++) {
    const left = a.inputs[port];
    const right = b.inputs[port];
    if (left === undefined || right === undefined) {
      if (left !== right) return false;
      continue;
    }
    if (left.dtype !== right.dtype || left.shape.length !== right.shape.length) return false;
    for (let axis = 1; axis < left.shape.length; axis++) {
      if (axis !== padAxis && left.shape[axis] !== right.shape[axis]) return false;
    }
  }
  return true;
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
