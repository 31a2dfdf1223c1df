// Models made to hang, exhaust, crash or read what is not theirs, given to a whole platform: each ends in a coded error,
// nothing is told or left behind, and the endpoint beside them answers throughout.
import { link, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Model } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { fetchChecked } from "../server/src/api/inference/open-inference.testing.ts";
import { cli } from "../server/src/cli/cli.testing.ts";
import type { RunningServer } from "../server/src/cli/index.ts";
import { createPlatform } from "../server/src/platform.ts";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";
import * as hostile from "./support/hostile-graphs.ts";
import { expectNothingLeaked, SECRET } from "./support/leaks.ts";
import { attackWithModels } from "./support/model-attacks.ts";
import { childrenOf } from "./support/server-process.ts";

const MIB = 2 ** 20;

let directory: string;
let server: RunningServer;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

beforeAll(async () => {
  directory = temporaryDirectory();
  server = await startPlatform(path.join(directory, "data"));
  await deploy("beside", scaleModel(3));
});
afterAll(async () => {
  await server.stop(0);
  removeDirectory(directory);
});
afterEach(async () => {
  expect(await infer(server.inferenceAddress, "beside", [1, 2], [1, 2])).toMatchObject({
    status: 200,
    body: { outputs: [{ data: [3, 6] }] },
  });
});

async function deploy(
  name: string,
  model: Model | Uint8Array,
  runtime: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await importModel(server, name, model);
  await server.client.deploy({
    params: { endpoint: name },
    body: { settings: { runtime: { intraOpThreads: 1, ...runtime } } },
  });
}

async function refusalOf(work: Promise<unknown>): Promise<Refusal> {
  const error = (await work.then(
    () => ({ code: "ok", message: "It was not refused." }),
    (error: unknown) => error,
  )) as Refusal;
  expectNothingLeaked(error.message, "a refusal");
  return { code: error.code, message: error.message };
}

const ask = async (name: string, data: readonly number[]) => await infer(server.inferenceAddress, name, data, [1, 2]);

describe("a model without end", () => {
  test("that ends for some inputs: the others' requests are answered, and only its own ends in RUN_TIMEOUT", async () => {
    await deploy("endless", hostile.endlessAtRun(), { runTimeoutMs: 400 });
    const [endless, ...others] = await Promise.all([
      ask("endless", [2e6, 0]),
      ask("endless", [1, 0]),
      ask("endless", [2, 0]),
    ]);
    expect(endless).toMatchObject({ status: 504, body: { code: "RUN_TIMEOUT" } });
    expect(others.map(({ status, body }) => [status, body.outputs?.[0]?.data])).toEqual([
      [200, [2, 0]],
      [200, [4, 0]],
    ]);
  });

  test.each([
    ["when it is warmed up", hostile.endlessAlways],
    ["when its constants are folded", hostile.endlessConstant],
  ])("%s is given up, and what was live stays", async (_when, make) => {
    const { code } = await refusalOf(deploy("beside", make(), { loadTimeoutMs: 500 }));
    expect(code).toBe("MODEL_LOAD_TIMEOUT");
    const endpoint = await server.client.getEndpoint({ params: { endpoint: "beside" } });
    expect(endpoint.live?.number).toBe(1);
  });
});

describe("a model without measure", () => {
  test.each([30_000, 2 ** 31, 2 ** 40])(
    "whose constant would have %d² elements takes nobody's memory",
    async (side) => {
      const before = process.memoryUsage.rss();
      const { code } = await refusalOf(deploy("folding", hostile.foldingBomb(side), { memoryLimitBytes: 512 * MIB }));
      if (code === "ok") {
        const answer = await ask("folding", [1, 1]);
        expect(answer.body.code).toMatch(/^(RUNNER_MEMORY|RUN_FAILED)$/);
        expectNothingLeaked(JSON.stringify(answer), "an answer");
      } else expect(code).toMatch(/^MODEL_(TOO_LARGE|INVALID|LOAD_FAILED)$/);
      expect(process.memoryUsage.rss() - before).toBeLessThan(200 * MIB);
    },
  );

  test("that expands one number to tens of gigabytes is RUNNER_MEMORY, and answers the next", async () => {
    await deploy("expanding", hostile.memoryBomb(), { memoryLimitBytes: 512 * MIB });
    for (const count of [2e9, 2e10, 1e18]) {
      const answer = await ask("expanding", [count, 0]);
      expect(answer).toMatchObject({ status: 500, body: { code: "RUNNER_MEMORY" } });
      expectNothingLeaked(JSON.stringify(answer), "an answer");
    }
    expect(await ask("expanding", [5, 0])).toMatchObject({ status: 200, body: { outputs: [{ data: [5, 0] }] } });
  });
});

test("a model whose rows mix is served one request at a time, and says so", async () => {
  await deploy("mixing", hostile.mixing());
  const answers = await Promise.all([1, 2, 3, 4].map((value) => ask("mixing", [value, 0])));
  for (const { body } of answers) expect(body.outputs?.[0]?.data).toEqual([0, 0]);
  const { endpoints } = await server.client.getStatus();
  expect(JSON.stringify(endpoints.find(({ name }) => name === "mixing"))).toContain("Rows are not independent");
});

test("inputs that end the engine's process: theirs is the error, the others are answered, three of them quarantine it", async () => {
  await deploy("trapping", hostile.trapping(), { maxDistinctDeaths: 3 });
  const askInt = async (data: readonly number[]) => {
    const inputs = [{ name: "x", shape: [1, 2], datatype: "INT32", data }];
    const response = await fetchChecked(`${server.inferenceAddress}/v2/models/trapping/infer`, {
      method: "POST",
      body: JSON.stringify({ inputs }),
    });
    return { status: response.status, ...((await response.json()) as { code?: string; error?: string }) };
  };
  expect((await askInt([5, 7])).status).toBe(200);
  const [first, ...others] = await Promise.all([
    askInt([hostile.TRAP, 1]),
    askInt([1, 1]),
    askInt([2, 1]),
    askInt([3, 1]),
  ]);
  expect(first).toMatchObject({ status: 500, code: "RUNNER_DIED" });
  expect(others.map(({ status }) => status)).toEqual([200, 200, 200]);
  // The same again is no further reason: one client can't take it out of service.
  expect(await askInt([hostile.TRAP, 1])).toMatchObject({ status: 500, code: "RUNNER_DIED" });
  expect(await askInt([hostile.TRAP, 2])).toMatchObject({ status: 500, code: "RUNNER_DIED" });
  expect((await askInt([4, 1])).status).toBe(200);
  const last = await askInt([hostile.TRAP, 3]);
  expect(["RUNNER_DIED", "DEPLOYMENT_QUARANTINED"]).toContain(last.code);
  expectNothingLeaked(JSON.stringify([first, last]), "an answer");
  expect(await askInt([4, 1])).toMatchObject({ status: 503, code: "DEPLOYMENT_QUARANTINED" });
  expect((await fetchChecked(`${server.inferenceAddress}/v2/health/ready`)).status).toBe(400);
  await server.client.release({ params: { endpoint: "trapping" } });
  expect((await askInt([4, 1])).status).toBe(200);
  expect((await fetchChecked(`${server.inferenceAddress}/v2/health/ready`)).status).toBe(200);
});

describe("a model that names files", () => {
  const locations = [
    ".env",
    "server.json",
    "slipway.db",
    "model.onnx",
    "../server.json",
    "a/../../server.json",
    "/etc/hostname",
    "/proc/self/environ",
    "C:\\x",
    "\\\\host\\x",
    "",
    ".",
    "a\0b",
    "file:///etc/hostname",
    "*/_ORT_MEM_ADDR_/*",
  ];

  test.each(Object.keys(hostile.EXTERNAL_PLACES))("in %s, sent to the server, reads none of them", async (place) => {
    await writeFile(path.join(directory, "data", ".env"), SECRET.padEnd(64));
    for (const location of locations) {
      const { code, message } = await refusalOf(
        importModel(server, "reader", hostile.EXTERNAL_PLACES[place]!(location)),
      );
      expect(code, `${location}: ${message}`).toMatch(/^(MODEL_UNSAFE|REQUEST_MALFORMED)$/);
    }
  });

  test.each(Object.keys(hostile.EXTERNAL_PLACES))(
    "in %s, imported from a file, gets only what lies beside it",
    async (place) => {
      const folder = path.join(directory, place.replaceAll(/\W/g, "-"));
      const secret = path.join(directory, "secret.env");
      await mkdir(path.join(folder, "sub"), { recursive: true });
      await writeFile(secret, SECRET.padEnd(64));
      await symlink(secret, path.join(folder, "linked"));
      await symlink(directory, path.join(folder, "sub", "up"));
      await link(secret, path.join(folder, "second-name"));
      const file = path.join(folder, "model.onnx");
      for (const location of [
        "linked",
        "second-name",
        "sub/up/secret.env",
        "../secret.env",
        secret,
        "model.onnx",
        "sub",
      ]) {
        await writeFile(file, bytesFromModel(hostile.EXTERNAL_PLACES[place]!(location)));
        const { code, out, err } = await slipway("import", file, "--name", "reader", "--json");
        expect(code, `${location}: ${err}`).toBe(6);
        expect(JSON.parse(err)).toMatchObject({
          code: expect.stringMatching(/^(MODEL_UNSAFE|FILE_UNREADABLE|REQUEST_MALFORMED)$/),
        });
        expect(out + err).not.toContain(SECRET);
      }
      expect(await server.client.listVersions({ query: { name: "reader" } })).toEqual([]);
    },
  );

  const slipway = async (...arguments_: string[]) =>
    await cli([...arguments_, "--data-dir", path.join(directory, "data")], {
      workingDirectory: directory,
      loadPlatform: async () => createPlatform({ environment: {}, logTo: { write: () => {}, isTerminal: false } }),
    });
});

describe("a file that is no sound model", () => {
  test("nested without end is refused at once", async () => {
    const { code } = await refusalOf(importModel(server, "nested", hostile.nestedBytes(3000)));
    expect(code).toBe("MODEL_MALFORMED");
  });

  test("with thousands of branches is served or refused, and holds nobody up", async () => {
    const { code } = await refusalOf(deploy("branching", hostile.branching(8, 1500), { loadTimeoutMs: 10_000 }));
    if (code === "ok") expect((await ask("branching", [1, 2])).body.outputs?.[0]?.data).toEqual([1, 2]);
    else expect(code).toMatch(/^MODEL_/);
  });

  test.each(Object.keys(hostile.BROKEN_GRAPHS))("with %s is refused", async (what) => {
    const { code, message } = await refusalOf(deploy("broken", hostile.BROKEN_GRAPHS[what]!()));
    expect(code, message).toMatch(/^MODEL_(INVALID|UNSUPPORTED|MALFORMED|LOAD_FAILED|TOO_LARGE)$/);
  });

  test("that declares axes no input can have is served, and refuses every input by its shape", async () => {
    await deploy("vast", hostile.vast());
    expect(await ask("vast", [1, 2])).toMatchObject({ status: 400, body: { code: "INPUT_SHAPE_MISMATCH" } });
  });

  test("damaged at random is refused, or loads and answers", async () => {
    await attackWithModels(server, { imports: 120, deploys: 4 });
  });
});

test("nothing of any of them is left running but what is live", async () => {
  const { endpoints } = await server.client.getStatus();
  expect(endpoints.find(({ name }) => name === "reader")).toBeUndefined();
  const text = JSON.stringify(endpoints);
  const live = new Set([...text.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid)));
  expect(live.size).toBeGreaterThan(3);
  if (process.platform === "linux") await expect.poll(() => new Set(childrenOf(process.pid))).toEqual(live);
});
