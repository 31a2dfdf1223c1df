// Measuring, training, jobs, policies and comparisons in the console, in a real browser: started and followed there,
// cancelled, resumed, judged, held against each other.
import { gunzipSync } from "node:zlib";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createTensor, npyFromTensor } from "@slipway/core/tensor";
import { afterAll, describe, expect } from "vitest";
import { createFixture } from "../console/dev/fixture.ts";
import { importModel, removeDirectory, startPlatform, temporaryDirectory } from "./platform.ts";
import { browserTest as test } from "./support/browser.ts";
import { openPage, PHONE, serveBuilt, SOON, useBuiltConsole, violationsOf } from "./support/console.ts";

const built = useBuiltConsole();
const files = mkdtempSync(path.join(os.tmpdir(), "slipway-rows-"));
afterAll(() => rmSync(files, { recursive: true, force: true }));

const fixtureOf = () => createFixture({ scenario: "well", directory: built().directory });

function npyFile(name: string, bytes: Uint8Array): string {
  const file = path.join(files, name);
  writeFileSync(file, bytes);
  return file;
}

const zeros = (rows: number) => createTensor("float32", [rows, 1, 28, 28], new Float32Array(rows * 784));
const labels = (rows: number) => createTensor("int64", [rows], new BigInt64Array(rows));

describe("measuring", () => {
  test("options and rows are checked before anything is sent, and the job is followed", async () => {
    await using fixture = await fixtureOf();
    const { page, problems, context } = await openPage(built().browser, fixture, "/models/digits/versions/2/measure");
    const start = page.getByRole("button", { name: "Start measuring" });
    await page.getByText("Choose at least one.").waitFor();
    expect(await start.isDisabled()).toBe(true);
    await page.getByRole("checkbox", { name: /^quality/ }).check();
    await page.getByRole("checkbox", { name: /^compute/ }).check();
    expect(new URL(page.url()).searchParams.get("what")).toBe("compute,quality");
    await page.getByText("Options of compute").click();
    await page.getByLabel("runs").fill("1000");
    await page.getByText("compute: runs. At most 100.").waitFor();
    await page.getByLabel("runs").fill("20");
    await page.getByLabel("shapes.symbols").fill("N=4");
    await page.getByText("The dataset needs a name.").waitFor();
    await page.getByLabel("Dataset").fill("digits");
    await page.getByLabel("Input image").setInputFiles(npyFile("notes.npy", Buffer.from("not an array")));
    await page.getByRole("status").filter({ hasText: /\.npy/ }).waitFor();
    await page.getByLabel("Input image").setInputFiles(npyFile("images.npy", npyFromTensor(zeros(3))));
    await page.getByText("float32[3, 1, 28, 28], 9.5 kB").waitFor();
    await page.getByLabel("Labels").setInputFiles(npyFile("two.npy", npyFromTensor(labels(2))));
    await page.getByText("image has 3, labels has 2").waitFor();
    expect(await start.isDisabled()).toBe(true);
    await page.getByLabel("Labels").setInputFiles(npyFile("labels.npy", npyFromTensor(labels(3))));
    expect(await violationsOf(page)).toEqual([]);
    await start.click();
    await page.getByRole("heading", { name: "measure compute, quality of digits@2" }).waitFor();
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;
    expect(fixture.measured).toEqual([
      {
        what: ["compute", "quality"],
        options: { compute: { runs: 20, shapes: { symbols: { N: 4 } } } },
        data: { name: "digits", split: null, inputs: { image: hash }, labels: hash },
        reason: null,
      },
    ]);
    const id = decodeURIComponent(new URL(page.url()).pathname.split("/").at(-1) ?? "");
    fixture.setJob(id, { state: "running", progress: { done: 1, total: 4, text: "quality: 1 of 4 rows" } });
    await page.getByText("quality: 1 of 4 rows").waitFor();
    expect(await page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("25");
    fixture.setJob(id, { state: "succeeded", endedAt: Date.now(), result: { evidence: ["quality-2"] } });
    await page.getByRole("heading", { name: "What it found" }).waitFor();
    await page.getByRole("cell", { name: "0.9825 to 0.9980" }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  test("a registered dataset is measured on, or one of its splits", async () => {
    await using fixture = await fixtureOf();
    const address = "/models/digits/versions/2/measure?what=quality";
    const { page, problems, context } = await openPage(built().browser, fixture, address);
    await page.getByRole("combobox", { name: "Rows" }).selectOption("written:2");
    await page.getByLabel("Split").selectOption("test");
    expect(await page.getByLabel("Labels").count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Start measuring" }).click();
    await page.getByRole("heading", { name: "measure quality of digits@2" }).waitFor();
    const data = { description: { name: "written", files: "/data/written" }, hash: "d".repeat(64), split: "test" };
    expect(fixture.measured).toEqual([{ what: ["quality"], options: {}, data, reason: null }]);
    expect(problems).toEqual([]);
    await context.close();
  });

  test("what stands on a version's page: intervals, age, what is undefined, what was before, and charts", async () => {
    await using fixture = await fixtureOf();
    const { page, problems, context } = await openPage(built().browser, fixture, "/models/digits/versions/2");
    const evidence = page.getByRole("region", { name: "Evidence" });
    await evidence.getByText("only one class has labels").waitFor();
    await evidence.getByText("measured 40 min ago").waitFor();
    await evidence.getByText("recall, precision of 10 parts").click();
    await evidence.getByRole("row", { name: /^8 0\.96/ }).waitFor();
    const chart = evidence.getByRole("img", { name: /all 1 but class 8/ });
    await expect.poll(() => chart.evaluate((image: HTMLImageElement) => image.naturalWidth), SOON).toBe(320);
    expect(await chart.getAttribute("src")).toBe("/api/versions/digits/2/charts/recalls-quality-2.svg?theme=light");
    await page.getByLabel("Theme").selectOption("dark");
    await expect.poll(() => chart.getAttribute("src"), SOON).toContain("theme=dark");
    await evidence.getByText("Measured once before").click();
    await evidence.getByRole("link", { name: "compute" }).click();
    await expect.poll(() => page.getByRole("checkbox", { name: /^compute/ }).isChecked(), SOON).toBe(true);
    expect(problems).toEqual([]);
    await context.close();
  });

  test("with the real server: rows are sent, the job runs, its evidence is on the version's page, and a policy is met by it", async () => {
    const example = path.resolve(import.meta.dirname, "../examples/digits");
    const rows = 40;
    const images = gunzipSync(readFileSync(path.join(example, "held-out-images.idx3-ubyte.gz"))).subarray(16);
    const classes = gunzipSync(readFileSync(path.join(example, "held-out-labels.idx1-ubyte.gz"))).subarray(8);
    const pixels = Float32Array.from(images.subarray(0, rows * 784), (value) => value / 255);
    const classData = BigInt64Array.from(classes.subarray(0, rows), BigInt);
    const data = temporaryDirectory();
    const server = await startPlatform(data);
    const context = await built().browser.newContext({ locale: "en-US" });
    try {
      await importModel(server, "digits", readFileSync(path.join(example, "model.onnx")));
      const page = await context.newPage();
      await page.goto(server.consoleAddress);
      await serveBuilt(context, built().directory);
      await page.goto(new URL("/models/digits/versions/1/measure?what=size,quality", server.consoleAddress).href);
      await page.getByLabel("Dataset").fill("digits");
      await page.getByLabel("Split, if it has one").fill("forty");
      const imageTensor = createTensor("float32", [rows, 1, 28, 28], pixels);
      await page.getByLabel("Input image").setInputFiles(npyFile("real-images.npy", npyFromTensor(imageTensor)));
      const labelTensor = createTensor("int64", [rows], classData);
      await page.getByLabel("Labels").setInputFiles(npyFile("real-labels.npy", npyFromTensor(labelTensor)));
      await page.getByRole("button", { name: "Start measuring" }).click();
      await page.getByRole("heading", { name: "What it found" }).waitFor({ timeout: 25_000 });
      await page.getByRole("link", { name: "All evidence" }).click();
      const evidence = page.getByRole("region", { name: "Evidence" });
      await evidence.getByText("digits/forty", { exact: true }).waitFor();
      const chart = evidence.getByRole("img").first();
      await chart.scrollIntoViewIfNeeded();
      await expect
        .poll(() => chart.evaluate((image: HTMLImageElement) => image.naturalWidth), SOON)
        .toBeGreaterThan(100);
      const [found] = await server.client.listEvidence({
        params: { name: "digits", number: 1 },
        query: { kind: "quality" },
      });
      expect(found?.values["rows"]?.value).toBe(rows);
      await page.goto(new URL("/policies/digits", server.consoleAddress).href);
      const text = page.getByLabel("Requirements, one a line");
      await text.fill("fresh within 1d\nsize < 5 bananas");
      await page.getByText("Line 2:").waitFor();
      await text.fill("fresh within 1d\nsize < 5 MB\nquality.accuracy >= 0.5 on digits/forty");
      await page.getByText("All 2 requirements are met.").waitFor();
    } finally {
      await context.close();
      await server.stop(1000);
      removeDirectory(data);
    }
  });
});

describe("jobs", () => {
  test("are cancelled and resumed, each after saying what will happen", async () => {
    await using fixture = await fixtureOf();
    const { page, context } = await openPage(built().browser, fixture, "/jobs/01RUNNING");
    await page.getByRole("button", { name: "Cancel job 01RUNNING" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel measure quality of digits@2?" });
    await dialog.getByText("What it has found so far stays").waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Cancel the job" }).click();
    await page.getByText("It can go on from what it saved.").waitFor();
    await page.getByRole("button", { name: "Resume job 01RUNNING" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
    await page.getByText("It waits to go on from what it saved.").waitFor();
    await context.close();
  });

  test("the list follows them, and its filter is in the address bar", async () => {
    await using fixture = await fixtureOf();
    const { page, context } = await openPage(built().browser, fixture, "/jobs");
    const running = page.getByRole("row").filter({ hasText: "running" });
    await running.getByText("42 %").waitFor();
    fixture.setJob("01RUNNING", { progress: { done: 400, total: 500, text: "quality: 400 of 500 rows" } });
    await running.getByText("80 %").waitFor();
    await page.getByRole("button", { name: "failed", exact: true }).click();
    await page.getByText("ROWS_INVALID").waitFor();
    expect(new URL(page.url()).search).toBe("?state=failed");
    await expect.poll(() => page.getByRole("row").count(), SOON).toBe(3);
    await context.close();
  });

  test("one that is not there says so", async () => {
    await using fixture = await fixtureOf();
    const { page, context } = await openPage(built().browser, fixture, "/jobs/nothing");
    await page.getByText("JOB_NOT_FOUND").waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await context.close();
  });
});

describe("policies", () => {
  test("the line at fault is said while it is written, and nothing can be set before it is right", async () => {
    await using fixture = await fixtureOf();
    const { page, context } = await openPage(built().browser, fixture, "/policies/digits");
    const text = page.getByLabel("Requirements, one a line");
    const set = page.getByRole("button", { name: "Set the policy…" });
    await page.getByText("It may not go live: 1 of 3 requirements are met.").waitFor();
    await text.fill("# for the launch\nsize <= 200 kB\n\nsize < 5 bananas");
    await page.getByText("Line 4:").waitFor();
    expect(await text.getAttribute("aria-invalid")).toBe("true");
    expect(await set.isDisabled()).toBe(true);
    expect(await violationsOf(page)).toEqual([]);
    await text.fill("- size <= 200 kB");
    await page.getByText("Its requirement is met.").waitFor();
    await set.click();
    const dialog = page.getByRole("dialog", { name: "Set the policy of digits?" });
    await dialog.getByLabel("Reason, for the record").fill("agreed");
    await dialog.getByRole("button", { name: "Set the policy" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("1 line, last changed").waitFor();
    expect(await text.inputValue()).toBe("size <= 200 kB");
    await context.close();
  });

  test("another version is held against it: what is missing, by how much, and what to do", async () => {
    await using fixture = await fixtureOf();
    const { page, problems, context } = await openPage(built().browser, fixture, "/policies/digits");
    const sizes = page.getByRole("row", { name: /size <= 100 kB/ });
    await sizes.getByText("−42.34 kB").waitFor();
    await page.getByLabel("Version").selectOption("digits@1");
    await sizes.getByText("+11.88 kB").waitFor();
    expect(new URL(page.url()).search).toBe("?version=digits%401");
    await page.getByRole("link", { name: "Measure latency" }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  test("one is removed only after it was said what then holds", async () => {
    await using fixture = await fixtureOf();
    const { page, context } = await openPage(built().browser, fixture, "/policies/digits");
    await page.getByRole("button", { name: "Remove it…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).click();
    await page.getByText("No policy stands here yet").waitFor();
    await context.close();
  });
});

describe("training", () => {
  test("a run is followed while it learns, cancelled, and resumed", async () => {
    await using fixture = await fixtureOf();
    const { page, problems, context } = await openPage(built().browser, fixture, "/runs/01TRAINING");
    await page.getByRole("img", { name: /^Loss: training 0\.32/ }).waitFor();
    await page.getByText(/8 s left/).waitFor();
    fixture.setCurve("01TRAINING", 20);
    fixture.setJob("01TRAINING", { progress: { done: 300, total: 600, text: "epoch 21, step 300 of 600, 5 s left" } });
    await page.getByText("best in epoch 12").waitFor();
    expect(await page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("50");
    await page.getByRole("button", { name: "Table of Loss" }).click();
    await page.getByRole("region", { name: "Table of Loss" }).getByRole("rowheader", { name: "20" }).waitFor();
    await page.getByRole("button", { name: /^Cancel/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel the job" }).click();
    await page.getByRole("button", { name: /^Resume/ }).waitFor();
    const picture = page.getByRole("link", { name: "SVG of the learning curve" });
    expect(await picture.getAttribute("href")).toBe("/api/runs/01TRAINING/curve?format=svg&theme=light");
    expect(problems).toEqual([]);
    await context.close();
  });

  test("runs are chosen and held against each other; what is not finite is said", async () => {
    await using fixture = await fixtureOf();
    const { page, problems, context } = await openPage(built().browser, fixture, "/runs");
    await page.getByRole("checkbox", { name: "Compare digits@2" }).check();
    await page.getByRole("checkbox", { name: "Compare loans (VERGED)" }).check();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("link", { name: "Compare 2 runs" }).click();
    await page
      .getByRole("row", { name: /settings\.learningRate/ })
      .getByText("0.004")
      .waitFor();
    await page.getByRole("img", { name: /^Validation loss: digits@2 .*loans \(VERGED\)/ }).waitFor();
    await page.setViewportSize(PHONE);
    expect(await violationsOf(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    await page.getByRole("link", { name: "loans (VERGED)" }).click();
    await page.getByText("epoch 3 was NaN or infinite").waitFor();
    await page.getByText("TRAINING_DIVERGED").waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  test("a run is started on a registered dataset, and what is wrong is said at its field", async () => {
    await using fixture = await fixtureOf();
    const { page, context } = await openPage(built().browser, fixture, "/runs/new");
    const start = page.getByRole("button", { name: "Start training" });
    await page.getByLabel("Dataset").selectOption("loans:1");
    await page.getByLabel("Target").waitFor();
    expect(await page.getByLabel("Target").inputValue()).toBe("default");
    await page.getByLabel("Name").fill("a b");
    await page.getByLabel("Epochs").fill("many");
    await start.click();
    await page.getByText(/^Letters, digits/).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-invalid"))).toBe("true");
    expect(await violationsOf(page)).toEqual([]);
    await page.getByLabel("Name").fill("refused");
    await page.getByLabel("Epochs").fill("20");
    await start.click();
    await page.getByText("at most 100000").waitFor();
    await page.getByLabel("Name").fill("loans");
    await start.click();
    await page.getByText("It waits for its turn.").waitFor();
    expect(fixture.trained.at(-1)).toMatchObject({ name: "loans", target: "default", settings: { epochs: 20 } });
    await context.close();
  });

  test("where nothing was trained and nothing is registered, it says how to begin", async () => {
    await using fixture = await createFixture({ scenario: "empty", directory: built().directory });
    const { page, context } = await openPage(built().browser, fixture, "/runs");
    await page.getByText("npx slipway train").waitFor();
    await page.getByRole("link", { name: "Train…" }).click();
    await page.getByText("npx slipway dataset add").waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await context.close();
  });
});

test("two versions side by side: the choice is in the address bar, and either can be changed", async () => {
  await using fixture = await fixtureOf();
  const { page, problems, context } = await openPage(built().browser, fixture, "/models/digits/versions/2");
  await page.getByRole("link", { name: "Compare version 1 with version 2" }).click();
  await page
    .getByRole("row", { name: /^accuracy/ })
    .getByText("+0.006")
    .waitFor();
  expect(new URL(page.url()).search).toBe("?first=digits%401&second=digits%402");
  await page.getByRole("row", { name: /^file/ }).getByText("worse").waitFor();
  expect(await page.getByRole("img", { name: /class 8/ }).count()).toBe(2);
  await page.getByLabel("Second").selectOption("sentiment@1");
  await page.getByText("Measured of digits@1 alone").first().waitFor();
  expect(problems).toEqual([]);
  await context.close();
});
