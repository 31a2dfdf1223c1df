// What is published works where no source of ours is: the packages as `files` lists them, in a project of their own.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
const project = mkdtempSync(path.join(os.tmpdir(), "slipway-published-"));
const modules = path.join(project, "node_modules");
const command = path.join(modules, "slipway", "bin", "slipway.js");
let server: ChildProcess | undefined;

function install(workspace: string, name: string): void {
  const { files } = JSON.parse(readFileSync(path.join(root, workspace, "package.json"), "utf8")) as { files: string[] };
  for (const file of ["package.json", ...files]) {
    cpSync(path.join(root, workspace, file), path.join(modules, name, file), { recursive: true });
  }
}

beforeAll(() => {
  execFileSync(process.execPath, [path.join(root, "tools/build.js")], { stdio: "ignore" });
  install("core", "@slipway/core");
  install("server", "slipway");
  const ours = new Set(["slipway", "@slipway", ".bin", ".cache"]);
  for (const name of readdirSync(path.join(root, "node_modules"))) {
    if (!ours.has(name)) symlinkSync(path.join(root, "node_modules", name), path.join(modules, name), "junction");
  }
});

afterAll(async () => {
  if (server?.exitCode === null) {
    server.kill();
    await once(server, "exit");
  }
  rmSync(project, { recursive: true, force: true });
});

test("the command runs, and examines a model", () => {
  const slipway = (...arguments_: string[]) => execFileSync(process.execPath, [command, ...arguments_]).toString();
  expect(slipway("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
  const model = path.join(modules, "slipway/dist/examples/digits/model.onnx");
  expect(JSON.parse(slipway("inspect", model, "--json"))).toMatchObject({ parameterCount: 34_570, warnings: [] });
});

test("a program has the engine that passes ask", () => {
  const program = `
    import { graphBuilder } from "@slipway/core/graph";
    import { passesNamed, runPasses } from "@slipway/core/passes";
    import { createPassEngine } from "slipway/engine";
    const g = graphBuilder({ opset: 17 });
    const one = g.values("float32", [1, 2], [2], "one");
    g.output("y", g.op("Add", [g.input("x", "float32", [2]), g.op("Mul", [one, one])]), "float32", [2]);
    const { model } = await runPasses(g.model(), passesNamed(["fold-constants"]), createPassEngine());
    console.log(model.graph.nodes.map(({ opType }) => opType).join());`;
  const arguments_ = ["--input-type=module", "--eval", program];
  expect(execFileSync(process.execPath, arguments_, { cwd: project }).toString()).toBe("Add\n");
});

test("the server starts with its example and its console, and its children decode and infer", async () => {
  const flags = ["--json", "--port", "0", "--admin-port", "0", "--data-dir", "data"];
  server = spawn(process.execPath, [command, "start", ...flags], { cwd: project, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(createInterface(server.stdout!), "line")) as [string];
  const { consoleAddress, inferenceAddress } = JSON.parse(line) as Record<string, string>;

  const image = readFileSync(path.join(modules, "slipway/dist/examples/digits/seven.png"));
  const answer = await fetch(`${inferenceAddress}/v2/models/digits/predict`, {
    method: "POST",
    headers: { "content-type": "image/png" },
    body: image,
  });
  const { predictions } = (await answer.json()) as { predictions: { labels: { label: string }[] }[] };
  expect(predictions[0]?.labels[0]?.label).toBe("7");

  const page = await fetch(consoleAddress!, { redirect: "manual" });
  const cookie = page.headers.get("set-cookie")?.split(";")[0] ?? "";
  const html = await (await fetch(new URL("/", consoleAddress), { headers: { cookie } })).text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1];
  expect(script).toBeDefined();
  const asset = await fetch(new URL(script!, consoleAddress), { headers: { cookie } });
  expect(asset.headers.get("content-type")).toMatch("javascript");
});
