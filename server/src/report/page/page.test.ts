// The page: whole in itself, safe whatever names it shows, and readable by those who see no pictures.
import { describe, expect, test } from "vitest";
import { chartsOf, chartsOfBoth } from "../charts/charts.ts";
import { INKS } from "../charts/palette.ts";
import { compareReports } from "../comparison.ts";
import { drawChart } from "../draw/draw.ts";
import { escaped } from "@slipway/core/picture";
import { drawLineage } from "../lineage/picture.ts";
import type { Report } from "../report.ts";
import {
  classifierEvidence,
  evidence,
  everyEvidence,
  HOSTILE,
  reportOf,
  sizeEvidence,
  value,
} from "../report.testing.ts";
import { renderPage } from "./page.ts";
import { STYLE } from "./style.ts";

async function pageOf(report: Report, against: Report | null = null): Promise<string> {
  const standing = report.evidence.filter((one) => one.standing !== "superseded");
  const { charts, absent } = chartsOf(standing, { classes: report.classes });
  const comparison = against === null ? null : compareReports(against, report);
  const both = comparison === null ? { charts: [], absent: [] } : chartsOfBoth(comparison);
  const drawn = [...both.charts, ...charts].map(async (chart) => ({ chart, svg: await drawChart(chart.spec, "page") }));
  return renderPage({
    report,
    charts: await Promise.all(drawn),
    absentCharts: [...both.absent, ...absent],
    lineage: drawLineage(report.lineage, "page"),
    comparison,
  });
}

/** Elements in order, with their attributes as written; a reader of what we write, which quotes every value. */
function elements(page: string): { readonly name: string; readonly attributes: ReadonlyMap<string, string> }[] {
  const inside = page.replace(/<style>[\s\S]*?<\/style>/g, "<style></style>");
  return [...inside.matchAll(/<([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"]*")*)\s*\/?>/g)].map(([, name, rest]) => ({
    name: name!,
    attributes: new Map([...rest!.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, text]) => [key!, text!])),
  }));
}

const POLICY = `content="${escaped("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")}"`;
const ALLOWED = new Set(
  "html head meta title style body header footer main section nav h1 h2 h3 h4 p ul li a div span code br dl dt dd table thead tbody tr th td figure figcaption details summary svg g path rect line text".split(
    " ",
  ),
);

const gates: Report["gates"] = [
  { endpoint: "open", isLive: true, judged: null },
  {
    endpoint: "digits",
    isLive: false,
    judged: {
      verdict: "no",
      requirements: [
        {
          requirement: "size <= 1 kB",
          verdict: "no",
          found: 141.476,
          needed: 1,
          unit: "kB",
          margin: -140,
          evidenceId: "x",
          text: "size.file is 141 kB: over by 140 kB.",
          remedy: "Deploy a smaller one.",
        },
        {
          requirement: "latency.p99 <= 10 ms",
          verdict: "unknown",
          found: null,
          needed: 10,
          unit: "ms",
          margin: null,
          evidenceId: null,
          text: '"latency" was not measured.',
          remedy: "slipway measure digits@3 latency",
        },
      ],
    },
  },
];

describe("a page of everything", async () => {
  const old = reportOf([sizeEvidence(250_000), classifierEvidence()], {
    subject: { name: "digits", number: 2, note: null, source: "old.onnx", createdAt: 0 },
    model: { ...reportOf([]).model, hash: "b".repeat(64) },
  });
  const page = await pageOf(reportOf(everyEvidence(), { gates, classes: Array.from("abcdefghij") }), old);
  const all = elements(page);

  test("has nothing a browser would fetch or run", () => {
    for (const { name, attributes } of all) {
      expect([...ALLOWED, "title"]).toContain(name);
      for (const [key, text] of attributes) {
        expect(key).not.toMatch(/^on|^src|^srcset|^action|^formaction|^background|^poster|^ping/);
        if (key.endsWith("href")) expect(text).toMatch(/^#/);
        if (key === "style" || key === "fill" || key === "stroke") expect(text).not.toContain("url(");
      }
    }
    expect(STYLE).not.toMatch(/@import|url\(|@font-face/);
    expect(page).toContain(POLICY);
  });
  test("has ids once, and every reference leads to one", () => {
    const ids = all.flatMap(({ attributes }) => attributes.get("id") ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const references = all.flatMap(({ attributes }) => [
      ...(attributes.get("href")?.slice(1).split(" ") ?? []),
      ...(attributes.get("aria-labelledby")?.split(" ") ?? []),
    ]);
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) expect(ids).toContain(reference);
  });
  test("has a name, a sentence and the numbers for every picture", () => {
    const pictures = all.filter(({ name }) => name === "svg");
    expect(pictures.length).toBe(23 + 1);
    for (const { attributes } of pictures) {
      expect(attributes.get("role")).toBe("img");
      expect(attributes.has("aria-labelledby") || attributes.has("aria-label")).toBe(true);
    }
    expect(page.match(/<summary>The numbers<\/summary>/g)).toHaveLength(23);
  });
  test("has headings without gaps, and every table's head and label", () => {
    const levels = all.filter(({ name }) => /^h\d$/.test(name)).map(({ name }) => Number(name[1]));
    expect(levels[0]).toBe(1);
    levels.slice(1).forEach((level, index) => expect(level - levels[index]!).toBeLessThanOrEqual(1));
    expect(page.match(/<table>/g)!.length).toBe(page.match(/<table><thead><tr><th scope="col"/g)!.length);
    for (const { name, attributes } of all) {
      if (name === "div" && attributes.get("class") === "scroll") expect(attributes.get("aria-label")).toBeTruthy();
    }
  });
  test("has every value of every piece of evidence, with interval, method and hash", () => {
    for (const one of everyEvidence()) {
      expect(page.includes(one.hash), one.hash).toBe(true);
      for (const name of Object.keys(one.values)) expect(page.includes(name), name).toBe(true);
    }
    expect(page.includes("0.94 to 0.975"), "0.94 to 0.975").toBe(true);
    expect(page.includes("DeLong, 95\u202f% interval"), "DeLong, 95\u202f% interval").toBe(true);
    expect(page.includes("no row has label 3"), "no row has label 3").toBe(true);
  });
  test("says what the policy says, what was not measured, and what differs", () => {
    expect(page.includes("✗ not met"), "✗ not met").toBe(true);
    expect(
      page.includes("Ungated: no launch policy stands before it. It is live there now."),
      "Ungated: no launch policy stands before it. It is live there now.",
    ).toBe(true);
    expect(page.includes("slipway measure digits@3 energy"), "slipway measure digits@3 energy").toBe(true);
    expect(page.includes("▲ better"), "▲ better").toBe(true);
    expect(page.includes("−108\u202f524\u202fB (−43.4\u202f%)"), "−108\u202f524\u202fB (−43.4\u202f%)").toBe(true);
    expect(page.includes("No difference from digits@2 is shown"), "No difference from digits@2 is shown").toBe(true);
  });
  test("prints, and follows the reader's light or dark", () => {
    expect(STYLE).toContain("@media print");
    expect(STYLE).toContain("@media screen and (prefers-color-scheme:dark)");
    for (const colour of page.matchAll(/(?:fill|stroke)="([^"]*)"/g)) {
      expect(colour[1]).toMatch(/^(var\(--[\w-]+\)|none|transparent)$/);
    }
  });
});

test("nothing that people named becomes markup", async () => {
  const classes = [HOSTILE, "<b>", "</text><script>alert(1)</script>"];
  const hostile = reportOf(
    [
      classifierEvidence(3, {
        dataset: { name: HOSTILE, split: HOSTILE, hash: HOSTILE },
        method: HOSTILE,
        settings: { [HOSTILE]: HOSTILE },
      }),
      evidence(
        HOSTILE,
        { [HOSTILE]: value(1, { method: HOSTILE, unit: HOSTILE }) },
        { summary: [HOSTILE] },
        {
          machine: { fingerprint: HOSTILE, name: HOSTILE, facts: { [HOSTILE]: HOSTILE } },
        },
      ),
    ],
    {
      subject: { name: HOSTILE, number: 1, note: HOSTILE, source: HOSTILE, createdAt: 0 },
      classes,
      gates: [{ endpoint: HOSTILE, isLive: true, judged: null }],
      processing: { before: [HOSTILE], after: [HOSTILE] },
    },
  );
  const plain = await pageOf(hostile, hostile);
  const tame = await pageOf(
    JSON.parse(JSON.stringify(hostile).replaceAll(JSON.stringify(HOSTILE).slice(1, -1), "[tame]")) as Report,
    JSON.parse(JSON.stringify(hostile).replaceAll(JSON.stringify(HOSTILE).slice(1, -1), "[tame]")) as Report,
  );
  expect(elements(plain).map(({ name }) => name)).toEqual(elements(tame).map(({ name }) => name));
  expect(/<(script|img|b)\b/.test(plain)).toBe(false);
  // eslint-disable-next-line no-control-regex
  expect(/[\u0000-\u0008\u202e]/.test(plain)).toBe(false);
});

test("without any evidence it says so", async () => {
  const page = await pageOf(reportOf([]));
  expect(page.includes("Nothing was measured yet."), "Nothing was measured yet.").toBe(true);
  expect(
    page.includes("No launch policy stands before any endpoint"),
    "No launch policy stands before any endpoint",
  ).toBe(true);
});

/** Relative luminance and contrast by WCAG 2.2. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [bright, dim] = [luminance(one), luminance(other)].toSorted((a, b) => b - a) as [number, number];
  return (bright + 0.05) / (dim + 0.05);
}

describe.each(["light", "dark"] as const)("colours in %s", (theme) => {
  const ground = INKS.ground[theme];
  const style = (name: string) => {
    const block =
      theme === "light"
        ? STYLE.slice(0, STYLE.indexOf("prefers-color-scheme"))
        : STYLE.slice(STYLE.indexOf("prefers-color-scheme"));
    return new RegExp(`--${name}:(#[0-9a-f]{6})`).exec(block)![1]!;
  };
  test("of text have a contrast of 4.5 : 1, on the ground and on boxes", () => {
    for (const name of ["ink", "ink-2", "ink-3", "accent", "good", "warn", "bad"]) {
      expect(contrast(style(name), ground), name).toBeGreaterThanOrEqual(4.5);
      expect(contrast(style(name), style("raised")), `${name} on boxes`).toBeGreaterThanOrEqual(4.5);
    }
  });
  test("of series and axes have 3 : 1", () => {
    for (const name of ["chart-1", "chart-2", "chart-3", "chart-4", "chart-5", "chart-6", "line"] as const) {
      expect(contrast(INKS[name][theme], ground), name).toBeGreaterThanOrEqual(3);
    }
  });
});
