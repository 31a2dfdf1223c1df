// Kills a real server at random moments while it imports, deploys, rolls back, unloads and answers, and looks after each
// kill whether what it acknowledged is there, what it serves is what was last said, and nothing of it still runs.
import { createHash, randomBytes } from "node:crypto";
import { bytesFromModel } from "@slipway/core/onnx";
import { expect } from "vitest";
import { infer, scaleModel } from "../platform.ts";
import { randomFrom } from "./random.ts";
import { isAlive, type ServerProcess, startServerProcess } from "./server-process.ts";

/** The endpoint that is asked, and the name of its versions. */
export const NAME = "front";
/** Codes a request may meet while its endpoint changes or its server stops. */
const PASSING = /^(ENDPOINT_NOT_FOUND|ENDPOINT_NOT_READY|SHUTTING_DOWN)$/;

/** What is known to have happened, over all servers so far. */
export interface Known {
  /** What a version multiplies by, for those acknowledged. */
  readonly factors: Map<number, number>;
  /** As above by the hash of the model's bytes, also of imports that were not acknowledged. */
  readonly begun: Map<string, number>;
  /** The versions that may be live: what was acknowledged last, and what was begun after it; null for none. */
  live: Set<number | null>;
  /** Every version that anybody began to make live, in order. */
  readonly begunLive: (number | null)[];
}

export function createKnown(): Known {
  return { factors: new Map(), begun: new Map(), live: new Set([null]), begunLive: [] };
}

export interface KillTally {
  readonly seed: number;
  readonly versions: number;
  readonly answers: number;
}

/** Kills `kills` servers on one data directory. `SLIPWAY_TEST_SEED` repeats a run's choices. */
export async function killServers(dataDirectory: string, kills: number): Promise<KillTally> {
  const seed = Number(process.env["SLIPWAY_TEST_SEED"] ?? randomBytes(4).readUInt32LE());
  const random = randomFrom(seed);
  const known = createKnown();
  let answers = 0;
  for (let kill = 0; kill <= kills; kill++) {
    const context = `seed ${seed}, kill ${kill}`;
    const server = await startServerProcess(dataDirectory);
    try {
      await look(server, known, context);
      if (kill === kills) break;
      const asking = ask(server, known, context);
      const changing = change(server, known, random);
      await new Promise((wake) => setTimeout(wake, 50 + random() * 700));
      const runners = server.runners();
      server.child.kill("SIGKILL");
      answers += await asking;
      await changing;
      expect(await server.exited, context).toEqual({ code: null, signal: "SIGKILL" });
      await expect.poll(() => runners.filter(isAlive), { message: `${context}: runners`, timeout: 10_000 }).toEqual([]);
    } finally {
      server.child.kill("SIGKILL");
      await server.exited;
    }
  }
  return { seed, versions: known.factors.size, answers };
}

/** Looks whether a server has all that is known, whole, and serves what it should. */
export async function look(
  { client, inferenceAddress }: Pick<ServerProcess, "client" | "inferenceAddress">,
  known: Known,
  context: string,
): Promise<void> {
  const versions = await client.listVersions({ query: { name: NAME } });
  for (const number of known.factors.keys())
    expect(
      versions.some((version) => version.number === number),
      `${context}: version ${number}`,
    ).toBe(true);
  for (const { number, model } of versions) {
    const factor = known.begun.get(model.hash);
    expect(factor, `${context}: version ${number} was never asked for`).toBeDefined();
    expect(known.factors.get(number) ?? factor, `${context}: version ${number}`).toBe(factor);
    known.factors.set(number, factor!);
  }
  expect(
    versions.map(({ number }) => number).sort((a, b) => a - b),
    context,
  ).toEqual(versions.map((_, index) => index + 1));
  const live = (await client.listEndpoints()).find(({ name }) => name === NAME)?.live?.number ?? null;
  expect([...known.live], `${context}: what is live`).toContain(live);
  known.live = new Set([live]);
  const answer = await infer(inferenceAddress, NAME, [1, 2], [1, 2]);
  if (live === null) expect(answer.body.code, context).toMatch(PASSING);
  else
    expect(answer, context).toMatchObject({
      status: 200,
      body: {
        model_version: String(live),
        outputs: [{ data: [known.factors.get(live)!, 2 * known.factors.get(live)!] }],
      },
    });
  const ready = await fetch(`${inferenceAddress}/v2/health/ready`);
  expect(ready.status, context).toBe(200);
}

/** Asks until the server is gone; answers how often it was answered. */
async function ask({ inferenceAddress, child }: ServerProcess, known: Known, context: string): Promise<number> {
  let answers = 0;
  while (child.exitCode === null && child.signalCode === null) {
    const answer = await infer(inferenceAddress, NAME, [1, 2], [1, 2]).catch(() => null);
    if (answer === null) break; // the connection was cut
    if (answer.status === 200) {
      answers++;
      const factors = [...known.begun.values()];
      expect(factors, context).toContain(answer.body.outputs![0]!.data[0]);
    } else expect(answer.body.code, context).toMatch(PASSING);
  }
  return answers;
}

/** Changes the registry and the endpoint until the server is gone. */
async function change(server: ServerProcess, known: Known, random: () => number): Promise<void> {
  try {
    for (;;) await changeOnce(server, known, random());
  } catch (error) {
    // Once the server was killed, calls fail as fetch fails; an error it answered with itself has a code.
    if ((error as { code?: string }).code !== undefined) throw error;
  }
}

/**
 * Changes one thing.
 * @param choice from 0 to 1; what it means stands here alone, but below 0.92 the endpoint stays live once it is
 */
export async function changeOnce(
  { client }: Pick<ServerProcess, "client">,
  known: Known,
  choice: number,
): Promise<void> {
  const begin = (live: number | null) => {
    known.live.add(live);
    known.begunLive.push(live);
  };
  const settle = (live: number | null) => (known.live = new Set([live]));
  if (choice < 0.5 || known.factors.size === 0) {
    const factor = known.begun.size + 2;
    const bytes = bytesFromModel(scaleModel(factor));
    const hash = createHash("sha256").update(bytes).digest("hex");
    known.begun.set(hash, factor);
    await client.putBlob({ params: { hash }, body: bytes });
    const { version } = await client.importVersion({ body: { name: NAME, files: [{ path: "model.onnx", hash }] } });
    known.factors.set(version.number, factor);
    return;
  }
  const params = { endpoint: NAME };
  const endpoint = (await client.listEndpoints()).find(({ name }) => name === NAME);
  if (choice < 0.8 || endpoint === undefined) {
    const numbers = [...known.factors.keys()];
    const number = numbers[Math.floor(choice * 1e6) % numbers.length]!;
    begin(number);
    await client.deploy({ params, body: { number, settings: { runtime: { warmUpRuns: 0, batching: "off" } } } });
    settle(number);
  } else if (choice < 0.92) {
    const previous = endpoint.previous?.number;
    if (previous === undefined) return;
    begin(previous);
    await client.rollback({ params, body: {} });
    settle(previous);
  } else if (endpoint.live !== null) {
    begin(null);
    await client.unload({ params, body: {} });
    settle(null);
  } else await client.collectGarbage({ body: { isDryRun: false } });
}
