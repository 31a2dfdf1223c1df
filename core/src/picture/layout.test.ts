// What holds of every layout: boxes keep apart and stand after what they come from, every line is drawn from its port to its tip.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { layerGraph } from "./layer-graph.ts";
import { type Layout, type LayoutBox, type LayoutNet, layOut, type Point } from "./layout.ts";
import { distance } from "./across.ts";
import { narrowPlaces } from "./narrow.ts";
import { crossingsOf, orderWithin } from "./order.ts";

const box = (across = 60, along = 30): LayoutBox => ({ across, along, ports: [across] });
const TAG = { across: 40, along: 16, ports: [] };

interface Case {
  readonly boxes: readonly LayoutBox[];
  readonly nets: readonly LayoutNet[];
}

/** Acyclic: nets lead from lower numbers to higher ones. Boxes have up to three ports, each of one net. */
const cases = fc
  .array(
    fc.record({
      across: fc.integer({ min: 10, max: 200 }),
      along: fc.integer({ min: 10, max: 90 }),
      targets: fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((all): Case => {
    const boxes = all.map(({ across, along, targets }) => ({
      across: Math.max(across, 20 * targets.length),
      along,
      ports: targets.map(() => 20),
    }));
    const nets = all.flatMap(({ targets }, from) =>
      targets.flatMap((steps, port) => {
        const to = [...new Set(steps.map((step) => from + step))].filter((target) => target < all.length);
        return to.length === 0 ? [] : [{ from, port, to, tag: TAG }];
      }),
    );
    return { boxes, nets };
  });

const at = ({ across, along }: Point): string => `${across.toFixed(3)},${along.toFixed(3)}`;

/** The places that pieces lead to from a place. */
function reached(layout: Layout, net: number, starts: readonly Point[]): ReadonlySet<string> {
  const found = new Set(starts.map(at));
  const { segments } = layout.nets[net]!;
  for (let more = true; more; ) {
    more = false;
    for (const { from, to } of segments) {
      if (!found.has(at(from)) || found.has(at(to))) continue;
      found.add(at(to));
      more = true;
    }
  }
  return found;
}

function expectSound({ boxes, nets }: Case, layout: Layout): void {
  const areas = boxes.map((one, index) => ({ ...layout.boxes[index]!, width: one.across, height: one.along }));
  for (const { tags } of layout.nets)
    for (const tag of tags) areas.push({ ...tag, width: TAG.across, height: TAG.along });
  for (const [index, one] of areas.entries()) {
    expect(one.across).toBeGreaterThanOrEqual(-1e-6);
    expect(one.across + one.width).toBeLessThanOrEqual(layout.across + 1e-6);
    expect(one.along + one.height).toBeLessThanOrEqual(layout.along + 1e-6);
    for (const other of areas.slice(index + 1)) {
      const isApart =
        one.across + one.width < other.across ||
        other.across + other.width < one.across ||
        one.along + one.height < other.along ||
        other.along + other.height < one.along;
      expect(isApart, `${JSON.stringify(one)} overlaps ${JSON.stringify(other)}`).toBe(true);
    }
  }
  for (const [index, net] of nets.entries()) {
    const corner = layout.boxes[net.from]!;
    const { start, tags, tips } = layout.nets[index]!;
    expect(start.along).toBe(corner.along + boxes[net.from]!.along);
    expect(start.across).toBeGreaterThan(corner.across);
    expect(start.across).toBeLessThan(corner.across + boxes[net.from]!.across);
    const begins = [
      start,
      // The first tag ends the line; the others begin it again.
      ...tags.slice(1).map((tag) => ({ across: tag.across + TAG.across / 2, along: tag.along + TAG.along })),
    ];
    const found = reached(layout, index, begins);
    for (const [place, target] of net.to.entries()) {
      const tip = tips[place]!;
      const arrives = layout.boxes[target]!;
      expect(found.has(at(tip)), `net ${index} reaches ${target}`).toBe(true);
      expect(tip.along).toBe(arrives.along);
      expect(tip.across).toBeGreaterThan(arrives.across);
      expect(tip.across).toBeLessThan(arrives.across + boxes[target]!.across);
      expect(arrives.along).toBeGreaterThan(corner.along + boxes[net.from]!.along);
    }
    const tagTip = layout.nets[index]!.tagTip;
    if (tagTip !== null) expect(found.has(at(tagTip))).toBe(true);
  }
}

describe("any layout", () => {
  test("keeps boxes apart and draws every line", () => {
    fc.assert(fc.property(cases, (one) => expectSound(one, layOut(one.boxes, one.nets))));
  });
  test("does so where tags stand for lines that would be long", () => {
    fc.assert(fc.property(cases, (one) => expectSound(one, layOut(one.boxes, one.nets, { farthest: 2 }))));
  });
  test("is the same each time", () => {
    fc.assert(
      fc.property(cases, ({ boxes, nets }) => {
        expect(layOut(boxes, nets)).toEqual(layOut(boxes, nets));
      }),
    );
  });
  test("has no more crossings than the order its boxes came in", () => {
    fc.assert(
      fc.property(cases, ({ boxes, nets }) => {
        const graph = layerGraph(boxes, nets, Number.POSITIVE_INFINITY);
        const before = crossingsOf(graph);
        orderWithin(graph);
        expect(crossingsOf(graph)).toBeLessThanOrEqual(before);
      }),
    );
  });
});

describe("places for wide graphs", () => {
  test("keep order and room", () => {
    fc.assert(
      fc.property(cases, ({ boxes, nets }) => {
        const graph = layerGraph(boxes, nets, Number.POSITIVE_INFINITY);
        orderWithin(graph);
        const places = narrowPlaces(graph, distance);
        for (const layer of graph.layers) {
          for (const [index, at] of layer.slice(1).entries()) {
            const before = layer[index]!;
            const room = distance(graph.junctions[before]!, graph.junctions[at]!);
            expect(places[at]! - places[before]!).toBeGreaterThan(room - 1e-6);
          }
        }
      }),
    );
  });
  test("are taken where straight lines would pull a picture apart", () => {
    // A chain; each link of it feeds a fan, which is gathered. Straight lines would make a staircase of 11 480.
    const [links, fan] = [40, 3];
    const wide = { across: 120, along: 30, ports: [120] };
    const nets = Array.from({ length: links }, (_, link): LayoutNet[] => {
      const first = links + link * (fan + 2);
      const gathered = first + fan;
      const spread = Array.from({ length: fan }, (__, index) => first + index);
      return [
        { from: link, port: 0, to: link + 1 < links ? [link + 1, ...spread] : spread },
        ...spread.map((from) => ({ from, port: 0, to: [gathered] })),
        { from: gathered, port: 0, to: [gathered + 1] },
      ];
    }).flat();
    const boxes = Array.from({ length: links * (fan + 3) }, () => wide);
    const layout = layOut(boxes, nets);
    expectSound({ boxes, nets }, layout);
    expect(layout.across).toBeLessThan(2000);
  });
});

describe("a layout", () => {
  test("of a chain is a straight line, whatever the boxes' widths", () => {
    const boxes = [box(30), box(120), box(64), box(12)];
    const layout = layOut(
      boxes,
      [0, 1, 2].map((from) => ({ from, port: 0, to: [from + 1] })),
    );
    const middles = boxes.map(({ across }, index) => layout.boxes[index]!.across + across / 2);
    expect(new Set(middles).size).toBe(1);
    for (const { segments } of layout.nets) for (const { from, to } of segments) expect(from.across).toBe(to.across);
  });
  test("leads a line past boxes straight", () => {
    // 0 → 1 → 2 → 3 → 4, and 0 → 4.
    const nets = [{ from: 0, port: 0, to: [1, 4] }, ...[1, 2, 3].map((from) => ({ from, port: 0, to: [from + 1] }))];
    const layout = layOut(
      Array.from({ length: 5 }, () => box()),
      nets,
    );
    const bends = layout.nets[0]!.segments.filter(({ from, to }) => from.across !== to.across);
    // Away from the box, to the first box, and into the last.
    expect(bends.length).toBeLessThanOrEqual(3);
  });
  test("uncrosses lines that need not cross", () => {
    const nets = [
      { from: 0, port: 0, to: [4] },
      { from: 1, port: 0, to: [3] },
      { from: 2, port: 0, to: [3] },
    ];
    const graph = layerGraph(
      Array.from({ length: 5 }, () => box()),
      nets,
      Number.POSITIVE_INFINITY,
    );
    expect(crossingsOf(graph)).toBe(2);
    orderWithin(graph);
    expect(crossingsOf(graph)).toBe(0);
  });
  test("counts a crossing between each two lines once", () => {
    // Two full layers of 4: 6 pairs above times 6 below.
    const nets = [0, 1, 2, 3].map((from) => ({ from, port: 0, to: [4, 5, 6, 7] }));
    const graph = layerGraph(
      Array.from({ length: 8 }, () => box()),
      nets,
      Number.POSITIVE_INFINITY,
    );
    expect(crossingsOf(graph)).toBe(36);
  });
  test("puts ports in the order of what they lead to", () => {
    const wide = { across: 80, along: 30, ports: [40, 40] };
    // Whatever order boxes 1 and 2 get, the line to the nearer one leaves nearer.
    for (const to of [
      [1, 2],
      [2, 1],
    ]) {
      const nets = to.map((target, port) => ({ from: 0, port, to: [target] }));
      const { nets: placed } = layOut([wide, box(), box()], nets);
      const [one, other] = placed as [Layout["nets"][number], Layout["nets"][number]];
      expect(Math.sign(one.start.across - other.start.across)).toBe(
        Math.sign(one.tips[0]!.across - other.tips[0]!.across),
      );
    }
  });
  test("puts a source just before what reads it", () => {
    const nets = [
      { from: 0, port: 0, to: [2] },
      { from: 2, port: 0, to: [3] },
      { from: 1, port: 0, to: [3] },
    ];
    const layout = layOut([box(), box(), box(), box()], nets);
    expect(layout.boxes[1]!.along).toBe(layout.boxes[2]!.along);
  });
  test("refuses what leads in a circle", () => {
    const nets = [
      { from: 0, port: 0, to: [1] },
      { from: 1, port: 0, to: [0] },
    ];
    expect(() => layOut([box(), box()], nets)).toThrow(/This is a bug/);
  });
  test("of nothing is empty", () => {
    expect(layOut([], [])).toEqual({ boxes: [], nets: [], across: 0, along: 0 });
  });
});
