// The drawing process: pictures in turn, from one process, which is ended when nobody wants any and replaced when it dies.
import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { FakeClock } from "@slipway/core/base";
import { afterEach, describe, expect, test } from "vitest";
import { type ContainedScript, startContainedScript } from "#runtime";
import { bars } from "../charts/spec.ts";
import { Drawer, type DrawerOptions } from "./drawer.ts";

const SPEC = bars([{ name: "Conv", value: 3, text: "3" }], "MAC");
const PNG_SIGNATURE = "89504e470d0a1a0a";

const drawers: Drawer[] = [];
afterEach(async () => {
  for (const drawer of drawers.splice(0)) await drawer.close();
});

/** A drawer, the processes it started, and its clock. */
function createDrawer(more: Partial<DrawerOptions> = {}) {
  const clock = new FakeClock();
  const started: ChildProcess[] = [];
  const start = async (script: ContainedScript) => {
    const child = await startContainedScript(script);
    started.push(child);
    return child;
  };
  const drawer = new Drawer({ clock, start, ...more });
  drawers.push(drawer);
  return { drawer, clock, started };
}

const isGone = async (child: ChildProcess): Promise<boolean> => {
  for (let tries = 0; tries < 500 && child.exitCode === null && child.signalCode === null; tries++) await pause(10);
  return child.exitCode !== null || child.signalCode !== null;
};

describe("drawing", () => {
  test("answers SVG and PNG, in turn, from one process, which ends when it is idle", async () => {
    const { drawer, clock, started } = createDrawer();
    const [svg, dark, png, own] = await Promise.all([
      drawer.svg(SPEC, "page"),
      drawer.svg(SPEC, "dark"),
      drawer.png(SPEC, "light"),
      drawer.pngOf('<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"/>'),
    ]);
    expect(svg).toMatch(/^<svg .*Conv.*<\/svg>$/s);
    expect(dark).toContain('fill="#0f1114"');
    expect(png.subarray(0, 8).toString("hex")).toBe(PNG_SIGNATURE);
    // Width and height of its header, at twice the picture's size.
    expect([own.readUInt32BE(16), own.readUInt32BE(20)]).toEqual([60, 40]);
    const width = Number(/width="(\d+)/.exec(svg)![1]);
    expect(png.readUInt32BE(16)).toBe(2 * width);
    expect(started).toHaveLength(1);
    clock.advance(60_000);
    expect(await isGone(started[0]!)).toBe(true);
    expect(await drawer.svg(SPEC, "page")).toBe(svg);
    expect(started).toHaveLength(2);
  });
  test("a specification that is none costs its own picture alone", async () => {
    const { drawer, started } = createDrawer();
    const bad = drawer.svg({ mark: "point", data: { url: "file:///etc/passwd" } }, "light");
    const good = drawer.svg(SPEC, "light");
    await expect(bad).rejects.toMatchObject({
      code: "CHART_FAILED",
      message: expect.stringContaining("file:///etc/passwd") as string,
    });
    expect(await good).toContain("Conv");
    expect(started).toHaveLength(1);
  });
  test("a process that dies takes its picture with it; those that wait get another", async () => {
    const { drawer, started } = createDrawer();
    await drawer.svg(SPEC, "light");
    const pictures = [drawer.svg(SPEC, "light"), drawer.svg(SPEC, "light")];
    started[0]!.kill("SIGKILL");
    const [first, second] = await Promise.allSettled(pictures);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "CHART_FAILED" } });
    expect(second).toMatchObject({ status: "fulfilled" });
    expect(started).toHaveLength(2);
  });
});

describe("limits", () => {
  const never = () => new Promise<never>(() => {});
  test("a picture that takes too long is given up", async () => {
    const { drawer, clock } = createDrawer({ start: never, timeoutMs: 1000 });
    const picture = drawer.svg(SPEC, "light");
    clock.advance(1001);
    await expect(picture).rejects.toMatchObject({
      code: "CHART_FAILED",
      message: expect.stringContaining("1000 ms") as string,
    });
  });
  test("a queue that is full refuses, and a drawer that is closed gives up all", async () => {
    const { drawer } = createDrawer({ start: never });
    const waiting = Array.from({ length: 257 }, () => drawer.svg(SPEC, "light"));
    await expect(drawer.svg(SPEC, "light")).rejects.toMatchObject({ code: "QUEUE_FULL" });
    await drawer.close();
    for (const one of await Promise.allSettled(waiting)) {
      expect(one).toMatchObject({ status: "rejected", reason: { code: "SHUTTING_DOWN" } });
    }
    await expect(drawer.svg(SPEC, "light")).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });
  test("no process is an error of the picture", async () => {
    const { drawer } = createDrawer({ start: () => Promise.reject(new Error("spawn ENOMEM")) });
    await expect(drawer.svg(SPEC, "light")).rejects.toMatchObject({
      code: "CHART_FAILED",
      message: expect.stringContaining("spawn ENOMEM") as string,
    });
  });
});
