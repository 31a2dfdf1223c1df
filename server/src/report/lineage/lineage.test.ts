// Lineage: the graph of what a version comes from, its layers, and its picture.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deployment, Version } from "#registry";
import { classifierEvidence, HOSTILE, NOW, reportOf, sizeEvidence } from "../report.testing.ts";
import { layOut } from "./layout.ts";
import { buildLineage, type Lineage, type LineageNode } from "./lineage.ts";
import { drawLineage } from "./picture.ts";

const version = (number: number, more: Partial<Version> = {}): Version => ({
  tenant: "default",
  name: "digits",
  number,
  modelHash: "a".repeat(64),
  processing: null,
  note: null,
  source: "model.onnx",
  createdAt: NOW,
  ...more,
});
const deployment = (id: string): Deployment => ({
  tenant: "default",
  id,
  endpoint: "digits",
  name: "digits",
  number: 2,
  settings: {},
  state: "live",
  reason: null,
  createdAt: NOW,
  changedAt: NOW,
});
const { evidence } = reportOf([classifierEvidence(), sizeEvidence(), { ...sizeEvidence(), id: "older" }]);
const kinds = ({ nodes }: Lineage) => nodes.map(({ kind }) => kind).toSorted();

test("has source, model, versions, data, evidence and deployments, what is superseded left out", () => {
  const lineage = buildLineage({
    subject: version(2),
    versions: [version(1), version(2)],
    evidence,
    deployments: [deployment("d1")],
  });
  expect(kinds(lineage)).toEqual([
    "dataset",
    "deployment",
    "evidence",
    "evidence",
    "model",
    "source",
    "version",
    "version",
  ]);
  expect(lineage.nodes.filter(({ isSubject }) => isSubject).map(({ label }) => label)).toEqual(["digits@2"]);
  const labels = new Map(lineage.nodes.map(({ id, label }) => [id, label]));
  expect(lineage.edges.map(({ from, kind, to }) => [labels.get(from), kind, labels.get(to)])).toEqual([
    ["model.onnx", "imported", "model aaaaaaaaaaaa"],
    ["model aaaaaaaaaaaa", "versioned", "digits@2"],
    ["model aaaaaaaaaaaa", "versioned", "digits@1"],
    ["digits@2", "measured", "quality"],
    ["digits/test", "used", "quality"],
    ["digits@2", "measured", "size"],
    ["digits@2", "deployed", "endpoint digits"],
  ]);
});

test("leaves out what nobody could find their way among, and says how many", () => {
  const versions = Array.from({ length: 30 }, (_, index) => version(index + 1));
  const deployments = Array.from({ length: 15 }, (_, index) => deployment(`d${index}`));
  const lineage = buildLineage({ subject: version(2), versions, evidence: [], deployments });
  expect(lineage.omittedNodes).toBe(17 + 3);
  expect(lineage.nodes.filter(({ kind }) => kind === "version")).toHaveLength(13);
});

describe("the layout", () => {
  const node = (id: string): LineageNode => ({ id, kind: "model", label: id, detail: "", isSubject: false });
  /** Acyclic: edges lead from lower numbers to higher ones. */
  const graphs = fc
    .tuple(fc.integer({ min: 1, max: 14 }), fc.array(fc.tuple(fc.nat(13), fc.nat(13)), { maxLength: 30 }))
    .map(
      ([count, pairs]): Lineage => ({
        nodes: Array.from({ length: count }, (_, index) => node(String(index))),
        edges: pairs
          .filter(([from, to]) => from < to && to < count)
          .map(([from, to]) => ({ from: String(from), to: String(to), kind: "transformed" })),
        omittedNodes: 0,
      }),
    );

  test("places every node once, right of all it comes from, without gaps in a layer", () => {
    fc.assert(
      fc.property(graphs, (lineage) => {
        const placed = layOut(lineage);
        expect(placed.map((one) => one.node.id).toSorted()).toEqual(lineage.nodes.map(({ id }) => id).toSorted());
        const layerOf = new Map(placed.map((one) => [one.node.id, one.layer]));
        for (const { from, to } of lineage.edges) expect(layerOf.get(from)!).toBeLessThan(layerOf.get(to)!);
        for (const rows of Map.groupBy(placed, ({ layer }) => layer).values()) {
          expect(rows.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual(rows.map((_, index) => index));
        }
      }),
    );
  });
  test("uncrosses two lines that cross", () => {
    const nodes = ["a", "b", "c", "d"].map(node);
    const edges = [
      { from: "a", to: "d", kind: "transformed" as const },
      { from: "b", to: "c", kind: "transformed" as const },
    ];
    const rows = new Map(layOut({ nodes, edges, omittedNodes: 0 }).map((one) => [one.node.id, one.row]));
    expect(Math.sign(rows.get("a")! - rows.get("b")!)).toBe(Math.sign(rows.get("d")! - rows.get("c")!));
  });
  test("refuses a cycle instead of going round", () => {
    const edges = [
      { from: "a", to: "b", kind: "transformed" as const },
      { from: "b", to: "a", kind: "transformed" as const },
    ];
    expect(() => layOut({ nodes: [node("a"), node("b")], edges, omittedNodes: 0 })).toThrow(/This is a bug/);
  });
});

test("the picture has every node's words, escaped and cut, and is well-formed", () => {
  const lineage = buildLineage({
    subject: version(2, { name: HOSTILE, source: HOSTILE }),
    versions: [],
    evidence,
    deployments: [],
  });
  const svg = drawLineage(lineage, "dark");
  expect(svg).toMatch(/^<svg [^>]+>.*<\/svg>$/s);
  expect(svg).not.toMatch(/<(img|script|style)/);
  expect(svg.match(/<g>/g)).toHaveLength(lineage.nodes.length);
  expect(svg).toContain("…</text>");
  expect(svg).toContain('fill="#0f1114"');
  for (const [, tag] of svg.matchAll(/<(\/?[\w]+)/g))
    expect(["svg", "/svg", "g", "/g", "title", "/title", "rect", "path", "text", "/text"]).toContain(tag);
});
