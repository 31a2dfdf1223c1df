import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batcher, type BatchItem, type BatchLimits, type LengthGrouping } from "./batcher.ts";
import { CostModel } from "./cost-model.ts";

const LIMITS: BatchLimits = { maxRows: 8, maxElements: 1e9, padAxis: null, grouping: "cost", patienceMs: 200 };

interface TestItem extends BatchItem {
  readonly id: number;
}
let ids = 0;
function item(change: Partial<Omit<TestItem, "id">> = {}): TestItem {
  const rows = change.rows ?? 1;
  return {
    id: ids++,
    inputs: [{ dtype: "float32", shape: [rows, 4] }],
    outputs: [0],
    rows,
    elements: rows * 4,
    length: 4,
    arrivedAt: 0,
    deadline: 1000,
    isAlone: false,
    isCancelled: false,
    ...change,
  };
}

function batcherOf(limits: Partial<BatchLimits> = {}, cost = new CostModel()): Batcher<TestItem> {
  return new Batcher<TestItem>({ ...LIMITS, ...limits }, cost);
}

function ids_(items: readonly TestItem[]): number[] {
  return items.map(({ id }) => id);
}

describe("a batcher", () => {
  it("answers nothing when nothing waits", () => {
    expect(batcherOf().next(0)).toEqual({ batch: [], dropped: [] });
  });

  it("takes at once what is there, up to the most rows", () => {
    const batcher = batcherOf();
    const items = Array.from({ length: 10 }, () => item());
    for (const each of items) batcher.add(each);
    expect(ids_(batcher.next(0).batch)).toEqual(ids_(items.slice(0, 8)));
    expect(ids_(batcher.next(0).batch)).toEqual(ids_(items.slice(8)));
    expect(batcher.size).toBe(0);
  });

  it("runs a request with more rows than fit by itself", () => {
    const batcher = batcherOf();
    const [large, small] = [item({ rows: 100 }), item()];
    batcher.add(large);
    batcher.add(small);
    expect(ids_(batcher.next(0).batch)).toEqual([large.id]);
    expect(ids_(batcher.next(0).batch)).toEqual([small.id]);
  });

  it("fills up around one that does not fit, which then comes first", () => {
    const batcher = batcherOf();
    const items = [item({ rows: 5 }), item({ rows: 5 }), item({ rows: 3 })];
    for (const each of items) batcher.add(each);
    expect(ids_(batcher.next(0).batch)).toEqual([items[0]!.id, items[2]!.id]);
    expect(ids_(batcher.next(0).batch)).toEqual([items[1]!.id]);
  });

  it("keeps apart what differs in dtype, shape, inputs or outputs", () => {
    const batcher = batcherOf();
    const kinds = [
      item(),
      item({ inputs: [{ dtype: "float64", shape: [1, 4] }] }),
      item({ inputs: [{ dtype: "float32", shape: [1, 5] }] }),
      item({ inputs: [{ dtype: "float32", shape: [1, 2, 2] }] }),
      item({ inputs: [undefined] }),
      item({ outputs: [1] }),
      item({ outputs: [0, 1] }),
    ];
    for (const kind of kinds) batcher.add(kind);
    for (const kind of kinds) batcher.add(item({ ...kind }));
    for (let i = 0; i < kinds.length; i++) expect(batcher.next(0).batch.length).toBe(2);
    expect(batcher.size).toBe(0);
  });

  it("lets lengths differ along the padded axis only, and counts the padding", () => {
    const long = { inputs: [{ dtype: "float32", shape: [1, 100] }], elements: 100, length: 100 } as const;
    const short = { inputs: [{ dtype: "float32", shape: [1, 10] }], elements: 10, length: 10 } as const;
    const batcher = batcherOf({ padAxis: 1, maxElements: 250, grouping: "arrival" });
    for (const kind of [short, long, short]) batcher.add(item(kind));
    // Three rows of 100 would be 300 elements.
    expect(batcher.next(0).batch.length).toBe(2);
    expect(batcher.next(0).batch.length).toBe(1);
  });

  it("runs an alone one alone, wherever it stands", () => {
    const batcher = batcherOf();
    const items = [item(), item({ isAlone: true }), item()];
    for (const each of items) batcher.add(each);
    expect(ids_(batcher.next(0).batch)).toEqual([items[0]!.id, items[2]!.id]);
    expect(ids_(batcher.next(0).batch)).toEqual([items[1]!.id]);
  });

  it("drops what was cancelled and what is too late, and runs neither", () => {
    const batcher = batcherOf();
    const items = [item({ deadline: 50 }), item({ isCancelled: true }), item()];
    for (const each of items) batcher.add(each);
    const { batch, dropped } = batcher.next(50);
    expect(ids_(batch)).toEqual([items[2]!.id]);
    expect(ids_(dropped).toSorted((a, b) => a - b)).toEqual([items[0]!.id, items[1]!.id]);
    expect(batcher.size).toBe(0);
  });

  it("takes the earliest deadline first", () => {
    const batcher = batcherOf({ maxRows: 1 });
    const items = [item({ deadline: 90 }), item({ deadline: 30 }), item({ deadline: 60 })];
    for (const each of items) batcher.add(each);
    const order = [0, 0, 0].map(() => batcher.next(0).batch[0]!.deadline);
    expect(order).toEqual([30, 60, 90]);
  });

  it("does not let a batch outgrow the deadline of a request in it", () => {
    const cost = new CostModel();
    for (let rows = 1; rows <= 16; rows++) cost.observe(rows, 4, 2 + rows * 10);
    const batcher = batcherOf({ maxRows: 100 }, cost);
    for (let i = 0; i < 20; i++) batcher.add(item({ deadline: 75 }));
    // 1.25 × (2 + 5 · 10) ms is the most that fits into 75, so that runs slower than foreseen are not too late.
    expect(batcher.next(0).batch.length).toBe(5);
  });

  it("does not let one that will be late whatever happens keep others from its batch", () => {
    const cost = new CostModel();
    for (let rows = 1; rows <= 16; rows++) cost.observe(rows, 4, 100);
    const batcher = batcherOf({}, cost);
    batcher.add(item({ deadline: 50 }));
    for (let i = 0; i < 3; i++) batcher.add(item({ deadline: 500 }));
    expect(batcher.next(0).batch.length).toBe(4);
  });

  it("starves no shape: a request waits for others only as long as the patience", () => {
    const batcher = batcherOf({ maxRows: 4 });
    const odd = item({ inputs: [{ dtype: "float32", shape: [1, 7] }], arrivedAt: 0, deadline: 1e9 });
    batcher.add(odd);
    let ranAt: number | null = null;
    for (let now = 0; now < 2000 && ranAt === null; now += 10) {
      // A flood of another shape with sooner deadlines, more than the runner can take.
      for (let i = 0; i < 8; i++) batcher.add(item({ arrivedAt: now, deadline: now + 50 }));
      if (batcher.next(now).batch.includes(odd)) ranAt = now;
    }
    expect(ranAt).not.toBeNull();
    expect(ranAt!).toBeLessThanOrEqual(LIMITS.patienceMs + 20);
  });

  it("leaves padding that would cost more than another run, and takes what costs less", () => {
    const cost = new CostModel();
    // 10 ms a run and 0.1 ms a position: padding is worth it while it adds fewer than 100 positions.
    for (let i = 0; i < 40; i++)
      cost.observe(1 + (i % 4), 10 * (1 + (i % 5)), 10 + 0.1 * (1 + (i % 4)) * 10 * (1 + (i % 5)));
    const batcher = batcherOf({ padAxis: 1 }, cost);
    const of = (length: number): TestItem =>
      item({ inputs: [{ dtype: "float32", shape: [1, length] }], elements: length, length });
    const [long, short, mid, other] = [of(300), of(8), of(80), of(260)];
    for (const each of [long, short, mid, other]) batcher.add(each);
    expect(ids_(batcher.next(0).batch)).toEqual([long.id, other.id]);
    expect(ids_(batcher.next(0).batch)).toEqual([short.id, mid.id]);
    expect(batcher.size).toBe(0);
  });

  it("starves no length: the most urgent always runs, in whatever company", () => {
    const cost = new CostModel();
    for (let i = 0; i < 40; i++)
      cost.observe(1 + (i % 4), 10 * (1 + (i % 5)), 1 + 0.1 * (1 + (i % 4)) * 10 * (1 + (i % 5)));
    const batcher = batcherOf({ padAxis: 1, maxRows: 4 }, cost);
    const of = (length: number, arrivedAt: number, deadline: number): TestItem =>
      item({ inputs: [{ dtype: "float32", shape: [1, length] }], elements: length, length, arrivedAt, deadline });
    const odd = of(500, 0, 1e9);
    batcher.add(odd);
    let ranAt: number | null = null;
    for (let now = 0; now < 2000 && ranAt === null; now += 10) {
      for (let i = 0; i < 8; i++) batcher.add(of(8 + i, now, now + 50));
      if (batcher.next(now).batch.includes(odd)) ranAt = now;
    }
    expect(ranAt).not.toBeNull();
    expect(ranAt!).toBeLessThanOrEqual(LIMITS.patienceMs + 20);
  });

  it("gives out every request exactly once, in batches within the limits", () => {
    const action = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("add" as const),
          rows: fc.integer({ min: 0, max: 12 }),
          width: fc.integer({ min: 1, max: 3 }),
          slackMs: fc.integer({ min: -5, max: 500 }),
          isAlone: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick: fc.nat(1000) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("next" as const), passMs: fc.nat(100) }) },
    );
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 120 }),
        fc.constantFrom(null, 1),
        fc.constantFrom<LengthGrouping>("cost", "arrival"),
        fc.boolean(),
        (actions, padAxis, grouping, isCostKnown) => {
          const cost = new CostModel();
          if (isCostKnown)
            for (let i = 0; i < 20; i++) cost.observe(1 + (i % 8), 1 + (i % 3), 3 + (i % 8) * (1 + (i % 3)));
          const batcher = batcherOf({ padAxis, grouping, maxElements: 60 }, cost);
          const added: TestItem[] = [];
          const out: TestItem[] = [];
          let now = 0;
          const check = (): void => {
            const { batch, dropped } = batcher.next(now);
            out.push(...batch, ...dropped);
            for (const each of dropped) expect(each.isCancelled || each.deadline <= now).toBe(true);
            for (const each of batch) expect(each.isCancelled || each.deadline <= now).toBe(false);
            if (batch.length <= 1) return;
            const rows = batch.map((each) => Math.max(1, each.rows));
            const widest = Math.max(...batch.map((each) => each.inputs[0]!.shape[1]!));
            const total = rows.reduce((sum, count) => sum + count, 0);
            expect(total).toBeLessThanOrEqual(8);
            expect(total * widest).toBeLessThanOrEqual(60);
            expect(batch.some((each) => each.isAlone)).toBe(false);
            if (padAxis === null) expect(new Set(batch.map((each) => each.inputs[0]!.shape[1])).size).toBe(1);
          };
          for (const act of actions) {
            if (act.do === "add") {
              const { rows, width, slackMs, isAlone } = act;
              const made = item({
                inputs: [{ dtype: "float32", shape: [rows, width] }],
                rows,
                elements: rows * width,
                length: width,
                arrivedAt: now,
                deadline: now + slackMs,
                isAlone,
              });
              added.push(made);
              batcher.add(made);
            } else if (act.do === "cancel") {
              const picked = added[act.pick % Math.max(1, added.length)];
              if (picked !== undefined) picked.isCancelled = true;
            } else {
              now += act.passMs;
              check();
            }
          }
          while (batcher.size > 0) check();
          expect(ids_(out).toSorted((a, b) => a - b)).toEqual(ids_(added));
        },
      ),
      { numRuns: 200 },
    );
  });
});
