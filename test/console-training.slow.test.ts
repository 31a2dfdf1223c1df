// How a run of training is shown in the console, in a real browser on the real server: its curve, and what came of it.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { removeDirectory, startPlatform, temporaryDirectory } from "./platform.ts";
import { browserTest as test } from "./support/browser.ts";
import { serveBuilt, SOON, useBuiltConsole, violationsOf } from "./support/console.ts";

const built = useBuiltConsole();

test("a run's page shows how it learns, beside the baselines, and leads to the version", async () => {
  const data = temporaryDirectory();
  const file = path.join(data, "rows.csv");
  const rows = Array.from({ length: 60 }, (_, row) => `${row % 2},${Math.sin(row)},${row % 2 === 0 ? "even" : "odd"}`);
  writeFileSync(file, `bit,wave,kind\n${rows.join("\n")}\n`);
  const server = await startPlatform(path.join(data, "data"));
  const context = await built().browser.newContext({ locale: "en-US" });
  try {
    const order = { name: "parity", data: { description: { files: file } }, target: "kind", settings: { epochs: 3 } };
    const { id } = await server.client.startTraining({ body: order });
    const page = await context.newPage();
    await page.goto(server.consoleAddress);
    await serveBuilt(context, built().directory);
    await page.goto(new URL(`/jobs/${id}`, server.consoleAddress).href);
    await page.getByRole("heading", { name: "train of parity" }).waitFor();
    const training = page.getByRole("region", { name: "How it learns" });
    await training.getByText("The weights of epoch").waitFor({ timeout: 25_000 });
    const curve = training.getByRole("img");
    await expect.poll(() => curve.evaluate((image: HTMLImageElement) => image.naturalWidth), SOON).toBeGreaterThan(100);
    for (const name of ["mlp, as served", "logistic regression", "majority"])
      await training.getByRole("rowheader", { name }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await training.getByRole("link", { name: "parity@1" }).click();
    await page
      .getByRole("heading", { name: /parity/ })
      .first()
      .waitFor();
  } finally {
    await context.close();
    await server.stop(0);
    removeDirectory(data);
  }
}, 60_000);
