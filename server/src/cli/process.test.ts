// The real process: what a shell sees of it, signals and closed pipes included.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const main = path.resolve(import.meta.dirname, "../main.ts");
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-process-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

function slipway(...arguments_: string[]): ChildProcess {
  const node = ["--conditions=source", "--disable-warning=ExperimentalWarning", main];
  return spawn(process.execPath, [...node, ...arguments_], {
    cwd: directory,
    env: { ...process.env, TMPDIR: directory },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = "";
  let err = "";
  child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr!.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}

test("the exit code is the process's", async () => {
  expect(await ended(slipway("--version"))).toMatchObject({ code: 0, err: "" });
  const wrong = await ended(slipway("statuss"));
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain("Did you mean `slipway status`?");
});

test("output is whole although the process ends at once", async () => {
  const { out } = await ended(slipway("config", "--json"));
  expect((JSON.parse(out) as { keys: unknown[] }).keys.length).toBeGreaterThan(30);
});

test("a reader that stops early, as head does, is no failure", async () => {
  const child = slipway("config");
  child.stdout!.destroy();
  expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s stops a server in good order", async (signal) => {
  const ports = ["--port", "0", "--admin-port", "0", "--log-level", "warn"];
  const child = slipway("start", "--empty", "--json", "--data-dir", `data-${signal}`, ...ports);
  const end = ended(child);
  await new Promise((resolve) => child.stdout!.once("data", resolve));
  child.kill(signal);
  // npm passes on what the terminal has already sent: still one Ctrl-C.
  child.kill(signal);
  const { code, out, err } = await end;
  expect(out).toContain('{"event":"stopped"}');
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("the server of `slipway serve` is found by who names no data directory, and by nobody else", async () => {
  const digits = path.resolve(import.meta.dirname, "../../../examples/digits");
  const status = async (...flags: string[]) =>
    JSON.parse((await ended(slipway("status", "--json", ...flags))).out) as Record<string, unknown>;
  const stopped = { isRunning: false, adminAddress: null, inferenceAddress: null, startedAt: null, endpoints: [] };
  expect(await status()).toMatchObject(stopped);
  const server = slipway(
    "serve",
    `mine=${digits}`,
    "--port",
    "0",
    "--admin-port",
    "0",
    "--json",
    "--log-level",
    "warn",
  );
  const end = ended(server);
  const ready = await new Promise<Buffer>((resolve) => server.stdout!.once("data", resolve));
  const { inferenceAddress } = JSON.parse(ready.toString()) as { inferenceAddress: string };
  const served = { isRunning: true, inferenceAddress, dataDirectory: null, endpoints: [{ name: "mine" }] };
  expect(await status()).toMatchObject(served);
  expect(await status("--data-dir", "named")).toMatchObject(stopped);
  expect((await ended(slipway("infer", "mine", path.join(digits, "seven.png")))).out).toMatch(/^7 /);
  // What is kept is another matter: the registry of the data directory answers this.
  expect((await ended(slipway("versions", "--json"))).out).toBe("[]\n");
  expect((await ended(slipway("stop"))).out).toBe("Stopped.\n");
  expect(await end).toMatchObject({ code: 0, err: "" });
  expect(await status()).toMatchObject(stopped);
});
