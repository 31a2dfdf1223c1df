// The model card: metadata that hubs read, in the form they read it, and Markdown in which names stay names.
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chartsOf } from "../charts/charts.ts";
import { compareReports } from "../comparison.ts";
import type { Report } from "../report.ts";
import {
  classifierEvidence,
  comparisonEvidence,
  everyEvidence,
  HOSTILE,
  latencyEvidence,
  regressorEvidence,
  reportOf,
  sizeEvidence,
} from "../report.testing.ts";
import { renderCard } from "./card.ts";
import { code, plain, table } from "./markdown.ts";
import { taskOf } from "./metadata.ts";

function cardOf(report: Report, more: { readonly against?: Report; readonly pictures?: string } = {}): string {
  const { charts } = chartsOf(report.evidence, { classes: report.classes });
  const comparison = more.against === undefined ? null : compareReports(more.against, report);
  return renderCard({ report, charts, comparison, pictures: more.pictures ?? null });
}

const metadataOf = (card: string): Record<string, unknown> => parse(/^---\n([\s\S]*?)\n---\n/.exec(card)![1]!) as never;

describe("metadata", () => {
  // The same card was read by huggingface_hub 2.4.0 (ModelCard.load), into six EvalResults with these values.
  test("has a model-index of what is current, by the Hub's names, with interval, rows and hash", () => {
    const metadata = metadataOf(cardOf(reportOf(everyEvidence())));
    const [classifier, regressor] = everyEvidence();
    expect(metadata).toMatchObject({
      library_name: "onnx",
      pipeline_tag: "image-classification",
      tags: ["onnx", "slipway"],
      metrics: ["accuracy", "roc_auc", "expected_calibration_error", "mae", "rmse", "r_squared"],
    });
    const [index] = metadata["model-index"] as [{ name: string; results: Record<string, unknown>[] }];
    expect(index.name).toBe("digits");
    expect(index.results[0]).toEqual({
      task: { type: "image-classification", name: "Image classification" },
      dataset: { type: "digits", name: "digits", split: "test", revision: "d".repeat(64) },
      metrics: [
        {
          type: "accuracy",
          name: "Accuracy",
          value: 0.96,
          args: {
            method: "Wilson",
            interval: { lower: 0.94, upper: 0.975, level: 0.95 },
            rows: 500,
            evidence: classifier!.hash,
          },
        },
        {
          type: "roc_auc",
          name: "Area under the ROC curve",
          value: 0.998,
          args: {
            method: "DeLong",
            interval: { lower: 0.99, upper: 0.9995, level: 0.95 },
            rows: 500,
            evidence: classifier!.hash,
          },
        },
        {
          type: "expected_calibration_error",
          name: "Expected calibration error",
          value: 0.012,
          args: { method: "counted", evidence: classifier!.hash },
        },
      ],
    });
    expect((index.results[1]!["metrics"] as { args: { evidence: string } }[])[0]!.args.evidence).toBe(regressor!.hash);
  });
  test("claims nothing where nothing was measured, or only what is stale", () => {
    expect(metadataOf(cardOf(reportOf([])))).toEqual({
      library_name: "onnx",
      pipeline_tag: "image-classification",
      tags: ["onnx", "slipway"],
    });
    const stale = reportOf([classifierEvidence(10, { measuredAt: 0 })]);
    expect(metadataOf(cardOf(stale))).not.toHaveProperty("model-index");
  });
  test.each<[string, Partial<Report>, Report["evidence"], string]>([
    ["an image decoded", {}, [], "image-classification"],
    [
      "columns classified",
      { processing: { before: [], after: [] } },
      reportOf([classifierEvidence()]).evidence,
      "other",
    ],
    [
      "columns regressed",
      {
        processing: { before: [], after: [] },
        model: {
          ...reportOf([]).model,
          signature: { inputs: [{ name: "x", type: "float32[N, 13]", isOptional: false }], outputs: [] },
        },
      },
      reportOf([regressorEvidence()]).evidence,
      "tabular-regression",
    ],
    ["nothing that tells", { processing: { before: [], after: [] } }, [], "other"],
  ])("the task of %s", (_, more, evidence, task) => {
    expect(taskOf({ ...reportOf([], more), evidence }).type).toBe(task);
  });
});

describe("the card", () => {
  const against = reportOf([sizeEvidence(250_000)], {
    subject: { name: "digits", number: 2, note: null, source: "old.onnx", createdAt: 0 },
    model: { ...reportOf([]).model, hash: "b".repeat(64) },
  });
  const card = cardOf(reportOf([classifierEvidence(), comparisonEvidence(), latencyEvidence(), sizeEvidence()]), {
    against,
    pictures: "charts",
  });
  test("has its parts in order", () => {
    expect(card.match(/^##? .*/gm)).toEqual([
      "# digits@3",
      "## What is known",
      "## What is not known",
      "## Beside digits@2",
      "## Evaluation",
      "## Launch policy",
      "## Use",
      "## The model",
      "## Where it comes from",
    ]);
  });
  test("has each value with its interval and method, and pictures where they were written", () => {
    expect(card).toContain("| accuracy | 0.96 | 0.94 to 0.975 (95\u202f%) | 500 | Wilson |");
    expect(card).toContain("| f1 | undefined | – | – | no row has label 3 |");
    const [confusion] = chartsOf([classifierEvidence()], { classes: null }).charts;
    expect(card).toContain(`](<charts/${confusion!.id}.svg>)`);
    expect(cardOf(reportOf([classifierEvidence()]))).not.toContain("![");
    expect(card).toContain("- No difference from digits@2 is shown: accuracy is 0.994 against 0.988.");
    expect(card).toMatch(/\| size\.file \| 250\u202f000\u202fB \| 141\u202f476\u202fB \| ▲ better \|/);
  });
  test("says that uses are for people to say", () =>
    expect(card).toContain("are not stated: they are for people to say"));
  test("has tables whose rows have as many cells as their heads", () => {
    const lines = card.split("\n");
    let cells = 0;
    lines.forEach((line, index) => {
      if (!line.startsWith("| ")) return;
      const count = line.replaceAll("\\|", "").split("|").length;
      if (!lines[index - 1]!.startsWith("| ")) cells = count;
      expect(count, line).toBe(cells);
    });
  });
});

test("hostile names stay text in Markdown and in YAML", () => {
  const hostile = reportOf(
    [classifierEvidence(3, { dataset: { name: HOSTILE, split: HOSTILE, hash: HOSTILE }, method: HOSTILE })],
    {
      subject: { name: HOSTILE, number: 1, note: HOSTILE, source: HOSTILE, createdAt: 0 },
    },
  );
  const card = cardOf(hostile, { against: hostile, pictures: "charts" });
  const [index] = metadataOf(card)["model-index"] as [{ name: string; results: { dataset: { name: string } }[] }];
  expect(index.name).toBe(HOSTILE);
  expect(index.results[0]!.dataset.name).toBe(HOSTILE);
  const body = card.slice(card.indexOf("\n---\n") + 5);
  expect(body.match(/(?<!\\)<(?!charts\/)(?=\/?[a-z])/g)).toBeNull();
  expect(body.match(/^# /gm)).toHaveLength(1);
  expect(body.match(/(?<!\\)\[a/g)).toBeNull();
  expect(body).not.toContain("https://");
  // eslint-disable-next-line no-control-regex
  expect(body).not.toMatch(/[\u0000\u202e]/);
});

describe("markdown", () => {
  test("escapes what begins markup", () => {
    expect(plain("a*b_c`d[e]<f>|g~h&i#j!k$l\\m")).toBe("a\\*b\\_c\\`d\\[e\\]\\<f\\>\\|g\\~h\\&i\\#j\\!k\\$l\\\\m");
    expect(plain("line\n# next\r\n---")).toBe("line \\# next ---");
    expect(plain("www.x.y and HTTP://z")).toBe("www\\.x.y and HTTP\\://z");
  });
  test("fences code longer than what is in it", () => {
    expect(code("a")).toBe("`a`");
    expect(code("a``b")).toBe("``` a``b ```");
    expect(code("a|b\n")).toBe("`a\\|b `");
    expect(code("")).toBe("`  `");
  });
  test("aligns numbers right", () =>
    expect(table(["a", "b"], "lr", [["1", "2"]])).toBe("| a | b |\n| --- | ---: |\n| 1 | 2 |"));
});
