// The drawing process: a specification comes in on standard input, its picture goes out on standard output, until the input
// ends. What it loads takes about a second and fifty megabytes, and each picture some hundredths of a second, which would all be
// requests' time in the server.
import { createInterface } from "node:readline";
import { drawChart } from "./draw.ts";
import type { DrawAnswer, DrawOrder } from "./messages.ts";

async function pictureOf(order: DrawOrder): Promise<string> {
  const svg = "svg" in order ? order.svg : await drawChart(order.spec, order.theme);
  if ("format" in order && order.format === "svg") return svg;
  const { rasterize } = await import("./rasterize.ts");
  return (await rasterize(svg)).toString("base64");
}

async function answerTo(line: string): Promise<DrawAnswer> {
  try {
    return { picture: await pictureOf(JSON.parse(line) as DrawOrder) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answerTo(line))}\n`);
}
