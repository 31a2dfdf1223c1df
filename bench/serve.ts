// Serving against the echo: throughput at 32 connections and at one, and what a request costs beyond echo and model.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type Contender, jsonPayload, startEcho, startSlipway, workDirectory } from "./contenders.ts";
import { measure } from "./load.ts";
import { MODELS, type ModelName, writeModel } from "./models.ts";
import { runNode, SERVER_CORE } from "./processes.ts";
import { type Figure, figureOf, figureText, ratioOf } from "./summary.ts";

export interface ServeOptions {
  readonly models: readonly ModelName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export interface ServeFigures {
  readonly model: ModelName;
  /** Requests a second. */
  readonly echoPerSecond32: Figure;
  readonly slipwayPerSecond32: Figure;
  readonly slipwayOverEcho32: Figure;
  /** Microseconds at one connection. */
  readonly echoP50Us: Figure;
  readonly slipwayP50Us: Figure;
  /** One run of the model alone. */
  readonly rawRunUs: Figure;
  readonly rawRun32Us: Figure;
  /** Slipway's p50 less echo's and less the model's own run, round by round. */
  readonly addedP50Us: Figure;
  /** 1 / (1/echo + 1/raw) at a batch of 32, and what share of it Slipway reaches. */
  readonly limitPerSecond32: Figure;
  readonly overLimit32: Figure;
  /** All processes of Slipway after the load. */
  readonly memoryBytes: number | null;
}

/** Measures each model against the echo, contenders taking turns within every round. */
export async function benchServe(options: ServeOptions): Promise<ServeFigures[]> {
  const all: ServeFigures[] = [];
  for (const model of options.models) all.push(await benchModel(model, options));
  return all;
}

async function benchModel(model: ModelName, { rounds, seconds, log }: ServeOptions): Promise<ServeFigures> {
  await using directory = await workDirectory();
  const modelFile = await writeModel(directory.path, model);
  const payloadFile = path.join(directory.path, "payload.json");
  await writeFile(payloadFile, jsonPayload(model));
  const raw = async (rows: number) => {
    const script = [
      path.join(import.meta.dirname, "raw-run.ts"),
      modelFile,
      String(MODELS[model][0]),
      String(rows),
      "1",
    ];
    return (JSON.parse(await runNode(script, SERVER_CORE)) as { p50Us: number }).p50Us;
  };
  const contenders = [await startEcho(), await startSlipway(directory.path, model)];
  const [echo, slipway] = contenders as [Contender, Contender];
  const seen = { echo32: [], slipway32: [], echo1: [], slipway1: [], raw1: [], raw32: [] } as Record<string, number[]>;
  try {
    for (let round = 1; round <= rounds; round++) {
      const load = { payloadFile, seconds };
      const perSecond = async (contender: Contender) =>
        (await measure({ ...load, url: contender.url, connections: 32 })).goodputPerSecond;
      const p50Us = async (contender: Contender) =>
        (await measure({ ...load, url: contender.url, connections: 1 })).latency!.p50Ms * 1000;
      seen["echo32"]!.push(await perSecond(echo));
      seen["slipway32"]!.push(await perSecond(slipway));
      seen["echo1"]!.push(await p50Us(echo));
      seen["slipway1"]!.push(await p50Us(slipway));
      seen["raw1"]!.push(await raw(1));
      seen["raw32"]!.push(await raw(32));
      const last = (name: string) => Math.round(seen[name]!.at(-1)!);
      log(
        `${model} round ${round}: echo ${last("echo32")}/s, slipway ${last("slipway32")}/s; p50 ${last("echo1")} and ${last("slipway1")} µs; run ${last("raw1")} µs`,
      );
    }
    return figuresFrom(model, seen, slipway.memory()?.pssBytes ?? null);
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
}

function figuresFrom(model: ModelName, seen: Record<string, number[]>, memoryBytes: number | null): ServeFigures {
  const { echo32, slipway32, echo1, slipway1, raw1, raw32 } = seen as Record<string, number[]> & {
    [Name in "echo32" | "slipway32" | "echo1" | "slipway1" | "raw1" | "raw32"]: number[];
  };
  const limits = echo32.map((perSecond, round) => 1 / (1 / perSecond + raw32[round]! / 32 / 1e6));
  return {
    model,
    echoPerSecond32: figureOf(echo32),
    slipwayPerSecond32: figureOf(slipway32),
    slipwayOverEcho32: ratioOf(slipway32, echo32),
    echoP50Us: figureOf(echo1),
    slipwayP50Us: figureOf(slipway1),
    rawRunUs: figureOf(raw1),
    rawRun32Us: figureOf(raw32),
    addedP50Us: figureOf(slipway1.map((us, round) => us - echo1[round]! - raw1[round]!)),
    limitPerSecond32: figureOf(limits),
    overLimit32: ratioOf(slipway32, limits),
    memoryBytes,
  };
}

/** The figures as people read them. */
export function serveText(figures: readonly ServeFigures[]): string {
  return figures
    .map((of) =>
      [
        of.model,
        `  32 connections   slipway ${figureText(of.slipwayPerSecond32, "/s")}`,
        `                   echo    ${figureText(of.echoPerSecond32, "/s")}`,
        `                   slipway over echo      ${figureText(of.slipwayOverEcho32)}`,
        `                   slipway over the limit ${figureText(of.overLimit32)}`,
        `  1 connection     slipway p50 ${figureText(of.slipwayP50Us, " µs")}`,
        `                   echo p50    ${figureText(of.echoP50Us, " µs")}, the run itself ${figureText(of.rawRunUs, " µs")}`,
        `                   added       ${figureText(of.addedP50Us, " µs")}`,
        `  memory           ${of.memoryBytes === null ? "not known here" : `${Math.round(of.memoryBytes / 2 ** 20)} MiB`}`,
      ].join("\n"),
    )
    .join("\n");
}
