// The built console in a real browser, in front of a server in known conditions: accessible on a few pages
// (console-pages.slow.test.ts has all, in both themes), usable by keyboard, steady while numbers flow, honest when the server is gone.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect } from "vitest";
import { createFixture, type Fixture } from "../console/dev/fixture.ts";
import { importModel, removeDirectory, startPlatform, temporaryDirectory } from "./platform.ts";
import { browserTest as test } from "./support/browser.ts";
import { checkPage, CONSOLE_PAGES } from "./support/console-pages.ts";
import { DESKTOP, openPage, serveBuilt, SOON, useBuiltConsole, violationsOf } from "./support/console.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

const built = useBuiltConsole();

function open(fixture: Fixture, address: string, options: Parameters<typeof openPage>[3] = {}) {
  return openPage(built().browser, fixture, address, options);
}

const PAGES = ["/", "/models/digits", "/runs/01TRAINED", "/policies/digits"];
const SHORT = CONSOLE_PAGES.filter(({ scenario, address }) => scenario === "well" && PAGES.includes(address));

test.each(SHORT)("$address with all $scenario is accessible and fits a phone", async (one) => {
  await checkPage(built(), one, "light");
});

test("nothing moves while numbers flow", async () => {
  await using fixture = await createFixture({ scenario: "well", directory: built().directory });
  const { page, problems, context } = await open(fixture, "/");
  await page.getByText("Draw a digit").waitFor();
  await page.evaluate(() => {
    interface Shift extends PerformanceEntry {
      readonly sources: readonly { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
    }
    const shifts: string[] = [];
    Object.assign(globalThis, { shifts });
    new PerformanceObserver((list) => {
      for (const { sources } of list.getEntries() as Shift[])
        for (const { node, previousRect: from, currentRect: to } of sources) {
          // A right-aligned number that gains a digit begins elsewhere within its cell; the cell has not moved.
          if (from.x === to.x && from.y === to.y) continue;
          shifts.push(`${node?.parentElement?.outerHTML}: (${from.x}, ${from.y}) to (${to.x}, ${to.y})`);
        }
    }).observe({ type: "layout-shift" });
  });
  const rate = page.locator(".figure-value").first();
  const before = await rate.textContent();
  await expect.poll(() => rate.textContent(), SOON).not.toBe(before);
  // Between plot and table of the same figure nothing around it may move either.
  await page.getByRole("button", { name: "Table of Latency" }).click();
  await page.getByRole("region", { name: "Table of Latency" }).waitFor();
  await expect.poll(() => page.evaluate(() => document.querySelectorAll("canvas").length), SOON).toBe(6);
  expect(await page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});

describe("drawing", () => {
  test("by keyboard: a sample is answered, and cleared", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, problems, context } = await open(fixture, "/");
    const panel = page.getByRole("region", { name: "Draw a digit" });
    const sample = panel.getByRole("button", { name: "Sample 7" });
    await sample.waitFor();
    // Reached with Tab alone, from the control before the panel.
    await page.getByRole("link", { name: /Unanswered/ }).focus();
    for (let steps = 0; steps < 20; steps++) {
      await page.keyboard.press("Tab");
      if (await sample.evaluate((element) => element === document.activeElement)) break;
    }
    await page.keyboard.press("Enter");
    await expect.poll(() => panel.getByRole("status").first().textContent(), SOON).toMatch(/^\d \d+\.\d %$/);
    expect(await panel.getByRole("row").count()).toBe(11);
    await expect.poll(() => panel.getByText("01994f3e-7a55-7c1b-9d21-5a8e2b40c6d3").count(), SOON).toBe(1);
    const [image] = fixture.images;
    expect(image?.subarray(1, 4).toString()).toBe("PNG");
    expect([image?.readUInt32BE(16), image?.readUInt32BE(20)]).toEqual([280, 280]);
    await panel.getByRole("button", { name: "Clear" }).focus();
    await page.keyboard.press("Enter");
    expect(await panel.getByRole("status").first().textContent()).toBe("No answer yet");
    expect(problems).toEqual([]);
    await context.close();
  });

  test("by pointer: asked while drawing, and the last answer is of the whole drawing", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/");
    const canvas = page.locator("canvas.drawing");
    await canvas.scrollIntoViewIfNeeded();
    const box = (await canvas.boundingBox())!;
    await page.mouse.move(box.x + 60, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 60, { steps: 4 });
    await expect.poll(() => fixture.images.length, SOON).toBeGreaterThan(0);
    await page.mouse.move(box.x + 120, box.y + 220, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => fixture.images.length, SOON).toBeGreaterThan(1);
    expect(fixture.images.at(-1)!.equals(fixture.images[0]!)).toBe(false);
    await context.close();
  });

  test("an image can be chosen instead", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/");
    const file = path.join(ROOT, "examples", "digits", "seven.png");
    await page.getByLabel("Choose an image").setInputFiles(file);
    await expect.poll(() => fixture.images.length, SOON).toBe(1);
    expect(fixture.images[0]!.equals(await readFile(file))).toBe(true);
    await page.getByRole("img", { name: "Chosen: seven.png" }).waitFor();
    await context.close();
  });
});

test("with the real server: the printed address lets in, and every sample digit is recognised", async () => {
  const data = temporaryDirectory();
  const server = await startPlatform(data);
  const context = await built().browser.newContext({ viewport: DESKTOP, locale: "en-US" });
  try {
    const example = path.join(ROOT, "examples", "digits");
    const processing: unknown = JSON.parse(await readFile(path.join(example, "processing.json"), "utf8"));
    await importModel(server, "digits", await readFile(path.join(example, "model.onnx")), processing);
    await server.client.deploy({ params: { endpoint: "digits" }, body: {} });
    const page = await context.newPage();
    await page.goto(server.consoleAddress);
    expect(new URL(page.url()).search).toBe("");
    await serveBuilt(context, built().directory);
    await page.goto(new URL("/", server.consoleAddress).href);
    await page.getByRole("heading", { name: "All is well" }).waitFor();
    for (const digit of "0123456789") {
      await page.getByRole("button", { name: `Sample ${digit}` }).click();
      await expect.poll(() => page.locator(".answer-best").textContent(), SOON).toMatch(new RegExp(`^${digit} `));
    }
    // The drawing's own requests are the traffic it shows.
    await expect.poll(() => page.locator(".shown-endings").textContent(), SOON).toContain("Answered");
  } finally {
    await context.close();
    await server.stop(1000);
    removeDirectory(data);
  }
});

describe("what it says of the server", () => {
  test("gone: what was known stays, called stale; back: well again", async () => {
    const fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/");
    await page.getByRole("heading", { name: "All is well" }).waitFor();
    await fixture[Symbol.asyncDispose]();
    await page.getByRole("heading", { name: "The server does not answer" }).waitFor();
    expect(await page.getByRole("row", { name: /digits/ }).count()).toBeGreaterThan(0);
    expect(await violationsOf(page)).toEqual([]);
    await using again = await createFixture({
      scenario: "well",
      directory: built().directory,
      port: Number(new URL(fixture.address).port),
    });
    await page.getByRole("heading", { name: "All is well" }).waitFor();
    // After a restart with another token it says how to come back.
    again.refuse();
    await page.getByRole("heading", { name: "This page needs the server's token" }).waitFor();
    expect(await page.getByText("npx slipway status").count()).toBe(1);
    expect(await violationsOf(page)).toEqual([]);
    await context.close();
  });

  test("what is shown is in the address bar", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/");
    await page.getByRole("link", { name: "sentiment", exact: true }).last().click();
    await page.getByRole("button", { name: "Table of Queue" }).click();
    expect(new URL(page.url()).search).toBe("?endpoint=sentiment&table=queue");
    await page.reload();
    await page.getByRole("region", { name: "Table of Queue" }).waitFor();
    await page.getByRole("link", { name: "Models" }).click();
    // Moving to a page puts the focus on its heading.
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent), SOON).toBe("Models");
    await page.goBack();
    await page.getByRole("region", { name: "Table of Queue" }).waitFor();
    await context.close();
  });

  test("the theme can be chosen and is remembered", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/settings", { colorScheme: "light" });
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByLabel("Theme").selectOption("dark");
    expect(await ground()).not.toBe(light);
    await page.reload();
    expect(await ground()).not.toBe(light);
    await page.getByLabel("Theme").selectOption("system");
    expect(await ground()).toBe(light);
    await context.close();
  });
});

describe("changes", () => {
  test("rolling back says what will happen first", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/endpoints/digits");
    const button = page.getByRole("button", { name: "Roll back" });
    await button.click();
    const dialog = page.getByRole("dialog", { name: "Roll digits back to digits@1?" });
    await dialog.waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(fixture.changes).toEqual([]);
    await button.click();
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(fixture.changes).toEqual(["rollback digits"]);
    await page.getByText("rollback of digits").waitFor();
    await context.close();
  });

  test("unloading needs the name typed", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/endpoints/digits");
    await page.getByRole("button", { name: "Unload" }).click();
    const dialog = page.getByRole("dialog");
    const unload = dialog.getByRole("button", { name: "Unload" });
    expect(await unload.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("digits");
    expect(await violationsOf(page)).toEqual([]);
    await unload.click();
    await page.getByText("unloaded").first().waitFor();
    expect(fixture.changes).toEqual(["unload digits"]);
    await context.close();
  });

  test("a refusal shows its code, and a breaking signature can be allowed", async () => {
    await using fixture = await createFixture({ scenario: "well", directory: built().directory });
    const { page, context } = await open(fixture, "/models/digits");
    await page.getByRole("button", { name: "Deploy version 1" }).click();
    const dialog = page.getByRole("dialog", { name: "Deploy digits@1" });
    await dialog.getByRole("button", { name: "Deploy" }).click();
    await dialog.getByText("SIGNATURE_BREAKING").waitFor();
    await dialog.getByRole("checkbox", { name: /callers of the live version would break/ }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await context.close();
  });
});
