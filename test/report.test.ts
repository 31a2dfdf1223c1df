// Reports over the whole platform: made of what was measured, over the administration API and the command line, the same with
// the server running and stopped; and the page as a browser shows it.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { graphBuilder } from "@slipway/core/graph";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "../server/src/api/client.ts";
import type { RunningServer } from "../server/src/cli/index.ts";
import { cli } from "../server/src/cli/cli.testing.ts";
import { createPlatform } from "../server/src/platform.ts";
import { importModel, removeDirectory, startPlatform, temporaryDirectory } from "./platform.ts";
import { browserTest, launchBrowser } from "./support/browser.ts";

const HOSTILE = "<img src=x onerror=alert(1)>";

let directory: string;
let data: string;
let server: RunningServer;
let browser: Browser | null;

/** A few layers, named as nobody should. */
function model(width: number) {
  const g = graphBuilder({ opset: 17 });
  const x = g.input(HOSTILE, "float32", ["N", 4]);
  const weights = g.values(
    "float32",
    Array.from({ length: 4 * width }, (_, index) => index / 10),
    [4, width],
  );
  g.output("scores", g.op("Softmax", [g.op("MatMul", [x, weights])]), "float32", ["N", width]);
  return g.model();
}

beforeAll(async () => {
  directory = temporaryDirectory();
  data = path.join(directory, "data");
  server = await startPlatform(data);
  browser = await launchBrowser();
  for (const width of [8, 3]) {
    const number = await importModel(server, "iris", model(width), {
      schemaVersion: 1,
      before: [],
      after: [
        { step: "labels", output: "scores", labels: Array.from({ length: width }, (_, label) => `${HOSTILE}${label}`) },
      ],
    });
    expect(await run("measure", `iris@${number}`, "size", "compute")).toMatchObject({ code: 0 });
  }
  await server.client.setPolicy({
    params: { endpoint: "iris" },
    body: { requirements: ["size <= 1 MB", "quality.accuracy >= 0.9"] },
  });
});
afterAll(async () => {
  await browser?.close();
  await server.stop(1000);
  removeDirectory(directory);
});

const params = { name: "iris", number: 2 };
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const run = (...words: string[]) =>
  cli(words, {
    loadPlatform: async () => createPlatform({ environment: {}, logTo: { write: () => {}, isTerminal: false } }),
    variables: { SLIPWAY_DATA_DIR: data },
    workingDirectory: directory,
  });

describe("over the API", () => {
  test("a report has the evidence, what it is worth, the gate, charts with numbers, and the other version beside it", async () => {
    const report = await server.client.getReport({ params, query: { against: "iris@1" } });
    expect(report.evidence.map(({ kind, standing }) => [kind, standing])).toEqual([
      ["compute", "current"],
      ["size", "current"],
    ]);
    expect(report.gates).toMatchObject([
      {
        endpoint: "iris",
        isLive: false,
        judged: { verdict: "unknown", requirements: [{ verdict: "yes" }, { verdict: "unknown" }] },
      },
    ]);
    expect(report.charts.map(({ kind }) => kind)).toEqual(["work", "activations", "size"]);
    expect(report.absentCharts).toMatchObject([
      { kind: "versions", evidenceId: null },
      { kind: "parameters", why: "all stored numbers are of one type" },
    ]);
    expect(report.unmeasured.map(({ kind, command }) => [kind, command])).toContainEqual([
      "quality",
      "slipway measure iris@2 quality --data ROWS@SPLIT",
    ]);
    const file = report.comparison!.values.find(({ kind, metric }) => kind === "size" && metric === "file");
    expect(file).toMatchObject({ verdict: "better", unit: "B" });
    expect(report.lineage.nodes.map(({ kind }) => kind).toSorted()).toEqual([
      "evidence",
      "evidence",
      "model",
      "source",
      "version",
    ]);
  });

  test("of a version that is live somewhere it says where, and what stands before it there", async () => {
    await server.client.deploy({ params: { endpoint: "shop" }, body: { name: "iris", number: 1 } });
    const { gates, lineage } = await server.client.getReport({ params: { name: "iris", number: 1 }, query: {} });
    expect(gates.map(({ endpoint, isLive, judged }) => [endpoint, isLive, judged?.verdict ?? null])).toEqual([
      ["iris", false, "unknown"],
      ["shop", true, null],
    ]);
    expect(lineage.nodes.filter(({ kind }) => kind === "deployment")).toMatchObject([
      { label: "endpoint shop", detail: expect.stringMatching(/^live since /) as string },
    ]);
    expect((await server.client.getReport({ params, query: {} })).gates.map(({ endpoint }) => endpoint)).toEqual([
      "iris",
    ]);
  });

  test("pictures, page and card are files of their types, which a page can't run", async () => {
    const { address, token } = adminOf(server);
    const client = createClient({ address, token });
    const { charts } = await client.getReport({ params, query: {} });
    for (const id of ["lineage", ...charts.map((chart) => chart.id)]) {
      const svg = await client.getChart({ params: { ...params, file: `${id}.svg` }, query: { theme: "page" } });
      expect([svg.mediaType, textOf(svg.bytes)]).toEqual([
        "image/svg+xml; charset=utf-8",
        expect.stringMatching(/^<svg .*<\/svg>$/s),
      ]);
      const png = await client.getChart({ params: { ...params, file: `${id}.png` }, query: { theme: "dark" } });
      expect([png.mediaType, textOf(png.bytes.subarray(1, 4))]).toEqual(["image/png", "PNG"]);
    }
    const page = await fetch(`${address}/api/versions/iris/2/report.html?against=iris@1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toBe("sandbox; default-src 'none'; style-src 'unsafe-inline'");
    expect(await page.text()).toContain("&lt;img src=x onerror=alert(1)&gt;");
    const card = await client.getModelCard({ params, query: { pictures: "charts" } });
    expect(card.mediaType).toBe("text/markdown; charset=utf-8");
    expect(textOf(card.bytes)).toContain(`](<charts/${charts[0]!.id}.svg>)`);
    expect((await fetch(`${address}/api/versions/iris/2/report.html`)).status).toBe(401);
  });

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      "a chart there is not",
      () => server.client.getChart({ params: { ...params, file: "roc-0.svg" }, query: {} }),
      "CHART_NOT_FOUND",
      /there is lineage, work-/,
    ],
    [
      "a file that is no picture",
      () => server.client.getChart({ params: { ...params, file: "../x.svg" }, query: {} }),
      "REQUEST_MALFORMED",
      /with \.svg or \.png/,
    ],
    [
      "another that is none",
      () => server.client.getReport({ params, query: { against: "iris" } }),
      "REQUEST_MALFORMED",
      /NAME@NUMBER/,
    ],
    [
      "another there is not",
      () => server.client.getReport({ params, query: { against: "iris@9" } }),
      "VERSION_NOT_FOUND",
      /iris/,
    ],
    [
      "pictures elsewhere",
      () => server.client.getModelCard({ params, query: { pictures: "https://x.y/z" } }),
      "REQUEST_MALFORMED",
      /relative path/,
    ],
  ])("%s is refused", async (_, call, code, message) => {
    await expect(call()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});

function adminOf({ consoleAddress }: RunningServer): { readonly address: string; readonly token: string } {
  const { origin, searchParams } = new URL(consoleAddress);
  return { address: origin, token: searchParams.get("token")! };
}

describe("on the command line", () => {
  test("html goes to a file, with every chart beside it, and a summary is said", async () => {
    const { code, out, err } = await run("report", "iris", "--against", "iris@1", "--charts", "pictures");
    expect([code, err]).toEqual([0, expect.not.stringContaining("slipway:")]);
    expect(out).toContain("- The size of the files is ");
    expect(out).toContain("- better: compute.macs, compute.flops,");
    expect(out).toContain("Written to iris-2.html, and 8 pictures.");
    expect(readdirSync(path.join(directory, "pictures")).map((file) => file.replace(/-[0-9a-f]{12}/, ""))).toEqual([
      "activations.png",
      "activations.svg",
      "lineage.png",
      "lineage.svg",
      "size.png",
      "size.svg",
      "work.png",
      "work.svg",
    ]);
    expect(readFileSync(path.join(directory, "iris-2.html"), "utf8")).toContain("Beside iris@1");
  });
  test("a card refers to the pictures from where it lies", async () => {
    expect((await run("report", "iris", "--out", "README.md", "--charts", "pictures")).code).toBe(0);
    const card = readFileSync(path.join(directory, "README.md"), "utf8");
    const [, picture] = /\]\(<(pictures\/[^>]+)>\)/.exec(card)!;
    expect(readdirSync(path.join(directory, "pictures"))).toContain(path.basename(picture!));
  });
  test("json is the API's report", async () => {
    const { out } = await run("report", "iris", "--format", "json");
    const { madeAt: _, ...report } = JSON.parse(out) as Record<string, unknown>;
    expect(report).toMatchObject({ subject: { name: "iris", number: 2 }, comparison: null });
  });
  test("wrong words are refused before anything is written", async () => {
    expect(await run("report", "iris", "--out", "report.pdf")).toMatchObject({
      code: 2,
      err: expect.stringContaining(".html, .md or .json") as string,
    });
    expect(await run("report", "no-such")).toMatchObject({
      code: 3,
      err: expect.stringContaining("MODEL_NOT_FOUND") as string,
    });
    expect(await run("report", "iris", "--out", "no/such/folder/x.html")).toMatchObject({
      err: expect.stringContaining("can't be written") as string,
    });
  });
});

describe("in a browser", () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

  browserTest.each(["light", "dark"] as const)(
    "the page in %s passes axe, fits a phone, asks for nothing and runs nothing",
    async (colorScheme) => {
      await run("report", "iris", "--against", "iris@1", "--out", "shown.html");
      // The page's own policy would keep axe out.
      const context = await browser!.newContext({
        colorScheme,
        viewport: { width: 360, height: 800 },
        bypassCSP: true,
      });
      const page = await context.newPage();
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      page.on("dialog", (dialog) => void asked.push(`dialog ${dialog.message()}`));
      const address = pathToFileURL(path.join(directory, "shown.html")).href;
      await page.goto(address);
      expect(asked).toEqual([address]);
      expect(await page.locator("img, script, iframe").count()).toBe(0);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      await page.evaluate(axe);
      const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
        "axe.run(document, { resultTypes: ['violations'] })",
      );
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
      await context.close();
    },
  );
  browserTest("it prints, with everything that is drawn and without what can only be clicked", async () => {
    const page = await browser!.newPage();
    await page.goto(pathToFileURL(path.join(directory, "shown.html")).href);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe(
      "rgb(255, 255, 255)",
    );
    expect(await page.locator("nav").isVisible()).toBe(false);
    expect(await page.locator("figure svg").first().isVisible()).toBe(true);
    const pdf = await page.pdf({ format: "A4" });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    await page.close();
  });
});
