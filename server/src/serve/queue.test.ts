import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IndexedHeap } from "./heap.ts";
import { RequestQueue, type QueueLimits, type Waiting } from "./queue.ts";

interface Item extends Waiting {
  readonly name: number;
  readonly arrivedAt: number;
}

const LIMITS: QueueLimits = { maxRequests: 50, maxBytes: 1000, priorityLevels: 4, agingMs: 10 };
let name = 0;
function item(priority: number, deadline: number, arrivedAt = 0, sizeBytes = 1): Item {
  return { name: name++, priority, deadline, arrivedAt, sizeBytes, turn: 0, order: 0, queuePosition: -1 };
}
function drain(queue: RequestQueue<Item>): Item[] {
  const items: Item[] = [];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) items.push(next);
  return items;
}

/** The same order by definition: sorted anew each time. */
class NaiveQueue {
  readonly items: Item[] = [];
  readonly #limits: QueueLimits;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  turn({ priority, arrivedAt }: Item): number {
    return priority + Math.floor(arrivedAt / this.#limits.agingMs);
  }

  sorted(): Item[] {
    return this.items.toSorted((a, b) => this.turn(a) - this.turn(b) || a.deadline - b.deadline || a.name - b.name);
  }

  take(taken: Item): void {
    this.items.splice(this.items.indexOf(taken), 1);
  }
}

describe("the queue", () => {
  test("serves priorities first, then earlier deadlines, then who came first", () => {
    const queue = new RequestQueue<Item>(LIMITS);
    const items = [item(2, 50), item(1, 90), item(2, 40), item(1, 80), item(2, 40)];
    for (const each of items) queue.push(each, 0);
    expect(drain(queue)).toEqual([items[3], items[1], items[2], items[4], items[0]]);
  });

  test("counts an interval of waiting as one priority", () => {
    const queue = new RequestQueue<Item>(LIMITS);
    const old = item(3, 1000);
    queue.push(old, 0);
    const urgent = item(1, 100);
    queue.push(urgent, 19); // one interval later: the old one counts as 2
    expect(queue.pop()).toBe(urgent);
    const equal = item(1, 2000);
    queue.push(equal, 20); // two intervals later: they are equals, and the deadline decides
    expect(queue.pop()).toBe(old);
    const late = item(3, 3000);
    queue.push(late, 20);
    const evenLater = item(1, 10);
    queue.push(evenLater, 50);
    expect(queue.pop()).toBe(equal);
    expect(queue.pop()).toBe(late);
  });

  test("agrees with sorting by definition, whatever comes, goes and is taken out", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("push" as const),
        priority: fc.integer({ min: 1, max: 4 }),
        timeoutMs: fc.integer({ min: 0, max: 60 }),
        sizeBytes: fc.integer({ min: 0, max: 120 }),
        laterMs: fc.integer({ min: 0, max: 15 }),
      }),
      fc.record({ kind: fc.constant("pop" as const) }),
      fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new RequestQueue<Item>(LIMITS);
        const naive = new NaiveQueue(LIMITS);
        let now = 1e6;
        for (const each of steps) {
          if (each.kind === "push") {
            now += each.laterMs;
            const next = item(each.priority, now + each.timeoutMs, now, each.sizeBytes);
            const bytes = naive.items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
            const hasRoom = naive.items.length < 50 && bytes + each.sizeBytes <= 1000;
            expect(queue.hasRoom(each.sizeBytes)).toBe(hasRoom);
            expect(queue.sizeBytes).toBe(bytes);
            const ahead = naive.items.filter((other) => naive.turn(other) <= naive.turn(next)).length;
            expect(queue.ahead(each.priority, now)).toBe(ahead);
            if (!hasRoom) continue;
            queue.push(next, now);
            naive.items.push(next);
          } else if (each.kind === "pop") {
            const expected = naive.sorted()[0];
            expect(queue.peek()).toBe(expected);
            expect(queue.pop()).toBe(expected);
            if (expected !== undefined) naive.take(expected);
          } else if (naive.items.length > 0) {
            const taken = naive.items[each.which % naive.items.length]!;
            expect(queue.remove(taken)).toBe(true);
            expect(queue.remove(taken)).toBe(false);
            naive.take(taken);
          }
          expect(queue.size).toBe(naive.items.length);
        }
        expect(drain(queue)).toEqual(naive.sorted());
        expect(queue.sizeBytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("lets nobody be overtaken by who came later than its priority in intervals", () => {
    const arrival = fc.record({ priority: fc.integer({ min: 1, max: 4 }), laterMs: fc.integer({ min: 0, max: 8 }) });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 40 }), fc.nat(3), (arrivals, served) => {
        const queue = new RequestQueue<Item>(LIMITS);
        let now = 0;
        const out: Item[] = [];
        for (const [index, { priority, laterMs }] of arrivals.entries()) {
          now += laterMs;
          queue.push(item(priority, now + (index % 7) * 100, now), now);
          if (index % 4 >= served) out.push(queue.pop()!);
        }
        out.push(...drain(queue));
        for (const [index, later] of out.entries()) {
          for (const earlier of out.slice(index + 1)) {
            expect(later.arrivedAt - earlier.arrivedAt).toBeLessThan(earlier.priority * LIMITS.agingMs);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("refuses to take what it has no room for", () => {
    const queue = new RequestQueue<Item>({ ...LIMITS, maxRequests: 1 });
    queue.push(item(1, 1), 0);
    expect(() => queue.push(item(1, 1), 0)).toThrow("This is a bug");
  });
});

describe("the heap", () => {
  interface Node {
    readonly key: number;
    position: number;
  }
  const order = {
    isBefore: (a: Node, b: Node): boolean => a.key < b.key,
    positionOf: (node: Node): number => node.position,
    place: (node: Node, position: number): void => {
      node.position = position;
    },
  };

  test("gives everything back in order, after any removals", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.array(fc.nat()), (keys, removals) => {
        const heap = new IndexedHeap<Node>(order);
        const nodes = keys.map((key) => ({ key, position: -1 }));
        for (const node of nodes) heap.push(node);
        const left = new Set(nodes);
        for (const removal of removals) {
          const node = nodes[removal % Math.max(1, nodes.length)];
          if (node !== undefined) expect(heap.remove(node)).toBe(left.delete(node));
        }
        const out: number[] = [];
        for (let node = heap.pop(); node !== undefined; node = heap.pop()) {
          expect(node.position).toBe(-1);
          out.push(node.key);
        }
        expect(out).toEqual([...left].map(({ key }) => key).sort((a, b) => a - b));
        expect(heap.size).toBe(0);
      }),
    );
  });
});
