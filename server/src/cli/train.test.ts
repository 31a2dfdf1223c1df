// Training as a person meets it, without a server: rows to a version, the run it came from, and more learnt on top.
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createPlatform } from "../platform.ts";
import type { JobView, RunView } from "slipway/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeDirectory, temporaryDirectory } from "../../../test/platform.ts";
import type { RunRecord } from "../lab/train/index.ts";
import { cli } from "./cli.testing.ts";
import { EXITS } from "./exit-codes.ts";

const loadPlatform = async () =>
  createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });

let directory: string;
const call = (...arguments_: string[]) =>
  cli([...arguments_, "--data-dir", path.join(directory, "data")], { loadPlatform, workingDirectory: directory });
async function json<Answer>(...arguments_: string[]): Promise<Answer> {
  const { code, out, err } = await call(...arguments_, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Answer;
}

beforeAll(() => {
  directory = temporaryDirectory();
  const rows = Array.from({ length: 90 }, (_, row) =>
    [row % 2, Math.sin(row), row % 2 === 0 ? "even" : "odd"].join(","),
  );
  writeFileSync(path.join(directory, "parity.csv"), `bit,wave,kind\n${rows.join("\n")}\n`);
});
afterAll(() => removeDirectory(directory));

test("train, look at the run, learn more, compare", async () => {
  const trained = await call("train", "--data", "parity.csv", "--target", "kind", "--epochs", "5", "--hidden", "16,8");
  expect(trained).toMatchObject({ code: 0, err: "" });
  expect(trained.out).toMatch(/of +parity@1\n[\s\S]*target +kind, one of 2: even, odd[\s\S]*hidden layers of 16, 8/);
  expect(trained.out).toMatch(/mlp \(as served\)[\s\S]*logistic regression[\s\S]*majority/);
  expect(trained.out).toContain(`Ask it: slipway infer parity '{"instances":[{"bit":0,"wave":0}]}'`);
  const [run] = await json<RunView[]>("runs", "list");
  expect(run).toMatchObject({ name: "parity", number: 1, state: "succeeded", code: { node: process.versions.node } });
  const shown = await json<RunView>("runs", "show", "parity@1");
  expect((await json<RunView>("runs", "show", "parity")).id).toBe(run!.id);
  expect((shown.run as RunRecord).curve.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5]);
  expect((await call("runs", "show", "parity@1", "--curve", "curve.svg")).code).toBe(0);
  expect(existsSync(path.join(directory, "curve.svg"))).toBe(true);
  const tuned = await json<RunView>("finetune", "parity", "--data", "parity.csv", "--target", "kind", "--steps", "9");
  expect(tuned).toMatchObject({
    name: "parity",
    number: 2,
    run: { network: { kind: "model", text: "from parity@1" } },
  });
  const compared = await call("runs", "compare", "parity@1", "parity@2");
  expect(compared.out).toMatch(/PARITY@1 +PARITY@2\n[\s\S]*network\.kind +mlp +model[\s\S]*accuracy/);
}, 60_000);

test("a run that waits can be cancelled, and is then resumed", async () => {
  const job = await json<JobView>(
    "train",
    "--data",
    "parity.csv",
    "--target",
    "kind",
    "--epochs",
    "2",
    "--name",
    "later",
    "--detach",
  );
  expect(job).toMatchObject({ kind: "train", state: "queued", subject: "later" });
  expect((await json<RunView[]>("runs", "list", "--limit", "1"))[0]).toMatchObject({ id: job.id, state: "queued" });
  expect(await json<JobView>("runs", "cancel", job.id)).toMatchObject({ state: "cancelled" });
  expect(await json<RunView>("runs", "resume", job.id)).toMatchObject({ id: job.id, state: "succeeded", number: 1 });
}, 60_000);

test.each([
  [["train"], EXITS.usage.code, "--data is missing"],
  [["train", "--data", "parity.csv", "--hidden", "12,x"], EXITS.usage.code, "write it as --hidden 128,64"],
  [["train", "--data", "parity.csv", "--net", "forest"], EXITS.usage.code, "it takes mlp, cnn, or a file"],
  [["train", "--data", "parity.csv", "--augment", "blur=2"], EXITS.usage.code, "write it as --augment shift=2"],
  [["runs", "show", "nobody"], EXITS.notFound.code, 'No run has the id or the name "nobody"'],
  [["runs", "list", "--limit", "many"], EXITS.usage.code, '--limit is "many"'],
  [["train", "--data", "parity.csv", "--role", "bit=banana"], EXITS.usage.code, "with a role of numeric"],
  [["train", "--data", "parity.csv", "--role", "bit"], EXITS.usage.code, "--role postcode=categorical"],
  [["finetune", "nothing", "--data", "parity.csv"], EXITS.notFound.code, 'named "nothing"'],
  [["runs", "compare", "parity@1"], EXITS.usage.code, "compare takes two runs or more"],
  [["runs", "show", "parity@9"], EXITS.notFound.code, "No run made parity@9"],
  [["runs", "watch"], EXITS.usage.code, 'There is no "runs watch"'],
] as const)("%j is refused", async (arguments_, code, text) => {
  expect(await call(...arguments_)).toMatchObject({ code, err: expect.stringContaining(text) });
});
