// Charts of everything there is evidence of, and of evidence that tries to break them: each is drawn by Vega, or says why not.
import { describe, expect, test } from "vitest";
import type { JsonObject } from "#registry";
import { drawChart } from "../draw/draw.ts";
import type { ReportEvidence } from "../evidence.ts";
import {
  classifierEvidence,
  comparisonEvidence,
  confusionOf,
  evidence,
  everyEvidence,
  fitEvidence,
  HOSTILE,
  latencyEvidence,
  memoryEvidence,
  operatorsEvidence,
  regressorEvidence,
  sizeEvidence,
  value,
} from "../report.testing.ts";
import type { Chart } from "./chart.ts";
import { CHART_KINDS, chartsOf } from "./charts.ts";
import { THEMES } from "./palette.ts";

const NO_NAMES = { classes: null };
const one = (found: ReportEvidence, kind: string, classes: readonly string[] | null = null): Chart => {
  const chart = chartsOf([found], { classes }).charts.find((each) => each.kind === kind);
  if (chart === undefined) throw new Error(`There is no chart ${kind}.`);
  return chart;
};
const whyNone = (found: ReportEvidence, kind: string): string | undefined =>
  chartsOf([found], NO_NAMES).absent.find((each) => each.kind === kind)?.why;
const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*[^/]>([^<]*)<\/text>/g)].map(([, text]) => text!);

describe("every kind", () => {
  const { charts } = chartsOf(everyEvidence(), NO_NAMES);
  test("is drawn from some evidence", () => {
    expect(new Set(charts.map(({ kind }) => kind))).toEqual(new Set(Object.keys(CHART_KINDS)));
    expect(new Set(charts.map(({ id }) => id)).size).toBe(charts.length);
  });
  test.each(charts.map((chart) => [chart.id, chart] as const))(
    "%s is a picture with words and numbers",
    async (_, chart) => {
      const svg = await drawChart(chart.spec, "light");
      expect(svg).toMatch(/^<svg [^>]*width="\d+(\.\d+)?" height="\d+(\.\d+)?"/);
      expect(svg).not.toContain("NaN");
      expect(svg).not.toMatch(/href|url\(|<script|<image|<foreignObject/);
      expect(chart.description).toMatch(/\.$/);
      expect(chart.description).not.toMatch(/undefined|NaN/);
      expect(chart.table.rows.length).toBeGreaterThan(0);
      for (const row of chart.table.rows) expect(row).toHaveLength(chart.table.columns.length);
    },
  );
  test.each(THEMES)("has the colours of %s", async (theme) => {
    const svg = await drawChart(one(sizeEvidence(), "size").spec, theme);
    expect(svg.includes('fill="var(--chart-1)"')).toBe(theme === "page");
    expect(svg.includes('fill="#0072b2"')).toBe(theme === "light");
    expect(svg.includes('fill="#56b4e9"')).toBe(theme === "dark");
    expect(svg.includes('<rect width="100%" height="100%"')).toBe(theme !== "page");
  });
});

describe("confusion", () => {
  test("has each cell's count, and recall in its table", async () => {
    const { spec, table, description } = one(classifierEvidence(3), "confusion", ["cat", "dog", "owl"]);
    const found = texts(await drawChart(spec, "light"));
    expect(found.filter((text) => text === "48")).toHaveLength(3);
    expect(found.filter((text) => text === "2")).toHaveLength(3);
    expect(found).toEqual(expect.arrayContaining(["cat", "dog", "owl", "predicted", "label"]));
    expect(table.rows[0]).toEqual(["cat", 48, 2, 0, 50, 0.96]);
    expect(description).toBe("144 of 150 rows are on the diagonal. Most often cat was taken for dog: 2 times.");
  });
  test("of one class that is answered for all", async () => {
    const details = { classes: 2, confusion: [0, 0, 30, 0] };
    const { table, spec } = one(evidence("quality", {}, details), "confusion");
    expect(table.rows).toEqual([
      ["0", 0, 0, 0, null],
      ["1", 30, 0, 30, 0],
    ]);
    expect(await drawChart(spec, "light")).not.toContain("NaN");
  });
  test("keeps classes of one name apart", () => {
    const { table } = one(classifierEvidence(3), "confusion", ["cat", "cat", "owl"]);
    expect(table.rows.map(([name]) => name)).toEqual(["cat", "cat (1)", "owl"]);
  });
  test("of a thousand classes is the pairs confused most, from a whole matrix or from the pairs that were kept", async () => {
    const whole = one(evidence("quality", {}, { classes: 1000, confusion: confusionOf(1000) }), "confusion");
    expect(whole.title).toBe("Most confused classes");
    expect(whole.table).toMatchObject({ omittedRows: 500 });
    expect(texts(await drawChart(whole.spec, "light")).filter((text) => text.includes("→"))).toHaveLength(25);
    expect(one(classifierEvidence(1000), "confusion").table.rows).toEqual([["3", "5", 7, 0.14]]);
  });
  test("is refused where counts and classes do not fit", () => {
    expect(whyNone(evidence("quality", {}, { classes: 3, confusion: [1, 2] }), "confusion")).toBe(
      "the details have 2 counts, which is no matrix of 3 classes",
    );
  });
});

describe("recall", () => {
  test("of a hundred classes shows the worst, and all in the table", () => {
    const { title, table, description } = one(classifierEvidence(100), "recall");
    expect(title).toBe("Recall by class, the worst 30 of 100");
    expect(table.rows).toHaveLength(100);
    expect(description).toContain("The lowest is");
  });
  test("reads classes named by index and by name, brackets unescaped", () => {
    const values = { "recall[1]": value(0.9), "recall[grey [a\\]]": value(0.8), "recall[2]": value(null) };
    const { table } = one(evidence("quality", values, {}), "recall", ["cat", "dog"]);
    expect(table.rows.map(([name]) => name)).toEqual(["dog", "grey [a]"]);
  });
});

describe("reliability", () => {
  test("has the evidence's intervals, else Wilson's, else none where rows are weighted", () => {
    const bin = { lower: 0.8, upper: 0.9, rows: 10, weight: 10, confidence: { value: 0.85 }, accuracy: { value: 0.8 } };
    const points = one(
      evidence(
        "quality",
        {},
        { reliability: [bin, { ...bin, weight: 7 }, { ...bin, interval: { lower: 0.5, upper: 0.9 } }] },
      ),
      "reliability",
    ).table.rows.map((row) => row.slice(-2));
    // 8 of 10 (R 4.4, binom::binom.wilson).
    expect(points[0]![0]).toBeCloseTo(0.4901625, 6);
    expect(points[0]![1]).toBeCloseTo(0.9433178, 6);
    expect(points.slice(1)).toEqual([
      [null, null],
      [0.5, 0.9],
    ]);
  });
  test("has no picture of bins without rows", () => {
    const bin = { lower: 0, upper: 1, rows: 0, weight: 0, confidence: { value: null }, accuracy: { value: null } };
    expect(whyNone(evidence("quality", {}, { reliability: [bin] }), "reliability")).toMatch(/no bins of confidence/);
  });
});

describe("curves", () => {
  test("of ten classes tell the one with the least area", async () => {
    const { caption, description, spec } = one(classifierEvidence(10), "roc", Array.from("abcdefghij"));
    expect(caption).toContain("In colour: j, which has the least area under it.");
    // By trapezoids over (0, 0), (0.2, 0.9), (1, 1).
    expect(description).toContain("the area is least for j, 0.85");
    const svg = await drawChart(spec, "light");
    expect([...svg.matchAll(/<path [^>]*stroke="#c75300"/g)]).toHaveLength(1);
    expect([...svg.matchAll(/<path [^>]*stroke="#7a7f8a"/g)]).toHaveLength(9);
  });
  test("are read from quality@1, too", () => {
    const points = [
      { threshold: null, falsePositiveRate: 0, truePositiveRate: 0 },
      { threshold: 0.5, falsePositiveRate: 0.1, truePositiveRate: 0.9 },
      { threshold: 0, falsePositiveRate: 1, truePositiveRate: 1 },
    ];
    const old = evidence("quality", {}, { classes: 2, roc: { points } });
    expect(one(old, "roc").table.rows[1]).toEqual([0.5, 0.1, 0.9]);
    expect(whyNone(old, "precision-recall")).toMatch(/have no curve/);
  });
});

describe("of regressors", () => {
  test("are errors, predictions and slices; nothing of classifiers is missed", () => {
    const { charts, absent } = chartsOf([regressorEvidence()], NO_NAMES);
    expect(charts.map(({ kind }) => kind)).toEqual(["residuals", "predictions", "slices"]);
    expect(absent).toEqual([]);
  });
  test("whose errors are all equal", async () => {
    const same = evidence("quality", {}, { task: "regression", residuals: { lower: 2, upper: 2, counts: [9, 0, 0] } });
    expect(await drawChart(one(same, "residuals").spec, "light")).not.toContain("NaN");
  });
});

test("latency says its percentiles and where the time goes", () => {
  const { charts } = chartsOf([latencyEvidence()], NO_NAMES);
  expect(charts.map(({ kind }) => kind)).toEqual(["latency", "stages", "settings", "throughput"]);
  expect(charts[0]!.description).toBe(
    "Of 4000 requests half took at most 0.42 ms, nine of ten at most 0.546 ms, and 99 of 100 at most 0.84 ms.".replaceAll(
      " ms",
      "\u202fms",
    ),
  );
  expect(charts[2]!.table.rows.map((row) => row[0])).toContain("batch=8, threads=1");
});

describe("throughput over latency", () => {
  const percentile = (estimate: number) => ({ estimate, lower: null, upper: null });
  const point = (name: string, rate: number, p99: number) => ({
    name,
    rate: { estimate: rate },
    p50: percentile(p99 / 2),
    p99: percentile(p99),
  });
  const front = (...points: readonly JsonObject[]) =>
    one(evidence("throughput", {}, { points }), "throughput").table.rows.map((row) => [row[0], row.at(-1)]);
  test("has a front of what nothing else beats at both", () => {
    expect(
      front(
        point("", 100, 1),
        point("[clients=2]", 180, 2),
        point("[clients=4]", 170, 3),
        point("[clients=8]", 250, 9),
      ),
    ).toEqual([
      ["as served", "yes"],
      ["clients=2", "yes"],
      ["clients=4", "no"],
      ["clients=8", "yes"],
    ]);
  });
  test("of two alike keeps both, of one as fast at the same latency the faster", () => {
    expect(front(point("a", 100, 1), point("b", 100, 1))).toEqual([
      ["a", "yes"],
      ["b", "yes"],
    ]);
    expect(front(point("a", 100, 1), point("b", 120, 1))).toEqual([
      ["a", "no"],
      ["b", "yes"],
    ]);
  });
  test("is the measurement's own where it says which", () => {
    const points = [
      { ...point("a", 100, 1), isFront: true },
      { ...point("b", 100, 1), isFront: false },
    ];
    expect(front(...points)).toEqual([
      ["a", "yes"],
      ["b", "no"],
    ]);
    const none = points.map((each) => ({ ...each, isFront: false }));
    expect(whyNone(evidence("throughput", {}, { points: none }), "throughput")).toMatch(/no setting on the front/);
  });
  test("of requests one at a time takes the rate from the mean: 8 rows in 2.31 ms", () => {
    const { table, caption } = one(latencyEvidence(), "throughput");
    expect(caption).toContain("one request at a time");
    expect(table.rows[1]![1]).toBeCloseTo(8000 / 2.31, 6);
  });
  test("needs two settings that did anything", () => {
    expect(whyNone(evidence("throughput", {}, { points: [point("", 5, 1), point("b", 0, 1)] }), "throughput")).toMatch(
      /one setting/,
    );
  });
});

test("two nodes of one name are two bars", async () => {
  const found = texts(await drawChart(one(operatorsEvidence(), "node-time").spec, "light"));
  expect(found).toEqual(expect.arrayContaining(["1. /conv1", "2. /conv1", "3. Gemm"]));
});

test("activations of half a million nodes keep their peak, in a few hundred points", async () => {
  const liveBytes = Array.from({ length: 500_000 }, (_, step) => (step === 123_456 ? 9_000_000 : step % 1000));
  const { description, spec, table } = one(evidence("compute", {}, { liveBytes, nodes: [] }), "activations");
  expect(description).toBe("The most is 8.58\u202fMiB, at step 123456, step 123457 of 500000.");
  expect(table.omittedRows).toBe(499_800);
  expect((await drawChart(spec, "light")).length).toBeLessThan(100_000);
});

test("memory has its peak in words", () => {
  expect(one(memoryEvidence(), "memory").description).toContain("is most after 5\u202fms with 62.9\u202fMiB");
});

test("devices are told with their verdicts, those of unknown latency left out", () => {
  const { table, description } = one(fitEvidence(), "devices");
  expect(table.rows).toEqual([
    ["this-machine: fits", 0.5, 0.5, 0.9, 10],
    ["pi5: fits", 3, 1.5, 6, 10],
    ["microcontroller: does not fit", 900, 0, 2000, 10],
  ]);
  expect(description).toBe("From 0.5\u202fms (this-machine: fits) to 900\u202fms (microcontroller: does not fit).");
});

test("differences name those whose interval excludes zero", () => {
  expect(one(comparisonEvidence(), "differences").description).toContain("Intervals exclude zero for f1.");
});

describe("details in a form nobody knows", () => {
  const wrong: readonly JsonObject[] = [
    {},
    {
      points: "none",
      operators: 3,
      nodes: null,
      series: [[1]],
      liveBytes: [1],
      files: [],
      confusion: null,
      classes: -1,
    },
    { operators: [], points: [], series: [], reliability: [], curves: [{}], confidence: { right: {}, wrong: {} } },
    {
      task: "regression",
      residuals: { lower: 0, upper: 1, counts: [] },
      predictedVersusActual: null,
      slices: { columns: [] },
    },
  ];
  const kinds = [...new Set(Object.values(CHART_KINDS).flatMap(({ evidence: of }) => [...of]))];
  test.each(kinds)("of %s have no charts, and a reason each", (kind) => {
    for (const details of wrong) {
      const { charts, absent } = chartsOf([evidence(kind, {}, details)], NO_NAMES);
      expect(charts).toEqual([]);
      expect(absent.length).toBeGreaterThan(0);
      for (const { why } of absent) expect(why).toMatch(/^[^.]+[^.]$/);
    }
  });
});

describe("hostile names", () => {
  const { charts } = chartsOf([classifierEvidence(3, { dataset: { name: HOSTILE, split: null, hash: "f" } })], {
    classes: [HOSTILE, "c".repeat(10_000), "\ud800"],
  });
  test.each(charts.map((chart) => [chart.kind, chart] as const))(
    "are text in %s, of bounded width",
    async (_, chart) => {
      const svg = await drawChart(chart.spec, "light");
      expect(svg).not.toMatch(/<(img|script|style)/);
      // eslint-disable-next-line no-control-regex
      expect(svg).not.toMatch(/[\u0000-\u0008\u202e]/);
      expect(svg.isWellFormed()).toBe(true);
      expect(Number(/width="(\d+)/.exec(svg)![1])).toBeLessThan(1000);
    },
  );
});

test("nothing is fetched for a picture", async () => {
  await expect(drawChart({ mark: "point", data: { url: "http://127.0.0.1:9/x.json" } }, "light")).rejects.toThrow(
    /It refers to http:/,
  );
});
