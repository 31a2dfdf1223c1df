// `slipway place`: where a model is best put, with the numbers that speak for it.
import { advise, type Advice, type DeviceFit, type Needs } from "#lab/measure";
import type { Command } from "../command.ts";
import { DEVICE_OPTION, devicesFrom, NEED_OPTIONS, needsFrom } from "../device-options.ts";
import { versionText } from "../endpoint-text.ts";
import { untilInterrupted } from "../interrupt.ts";
import { measured } from "../measured.ts";
import { findVersion, versionReference } from "../model-reference.ts";
import { wrapped } from "../text.ts";
import { shapesFrom } from "./measure.ts";

const WIDTH = 110;

/** What `fit` keeps of itself in its details. */
interface FitDetails {
  readonly fits: readonly DeviceFit[];
  readonly fileBytes: number;
}

export const place: Command = {
  about:
    "Advises where a model is best put: on a device of its own, in the browser, on a server, or in batches. It measures how the model fits devices (kept as the evidence `fit`) and weighs that with what is needed; each reason has its numbers. What is not known is never recommended.",
  arguments: [{ name: "<model>", description: "NAME (the newest version) or NAME@VERSION" }],
  options: [
    ...NEED_OPTIONS,
    DEVICE_OPTION,
    {
      flags: "--axis <name=length>",
      description: "Length of an axis the model leaves open; 1 if left out",
      isList: true,
    },
    { flags: "--shape <input=d1,d2,...>", description: "Whole shape of an input", isList: true },
  ],
  examples: [
    { line: "slipway place digits --p99 50ms --volume 200/s", says: "where answers within 50 ms come from" },
    { line: "slipway place digits --private --updates weekly", says: "where inputs need not leave the user's device" },
    { line: "slipway place digits --device board.json --device server-cpu", says: "weighing a device of your own" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const reference = versionReference(context.arguments[0]!);
    const needs = needsFrom(context);
    const shapes = shapesFrom(context.options);
    const { devices, profiles } = await devicesFrom(context);
    const session = await untilInterrupted(context.connect(), context.signal);
    const { name, number } = await untilInterrupted(findVersion(session.client, reference), context.signal);
    const params = { name, number };
    context.progress.step(`Measuring how ${versionText(params)} fits devices …`);
    const fit = { shapes, devices, profiles, latencyMs: needs.p99Ms };
    const body = { what: ["fit" as const], options: { fit }, data: null, reason: "slipway place" };
    const [evidence] = await measured(context, session, { params, body });
    context.progress.end();
    const { fits, fileBytes } = evidence!.details as FitDetails;
    const advice = advise(fits, fileBytes, needs);
    context.answer({ version: params, needs, ...advice, evidence: evidence!.id }, () =>
      adviceText(versionText(params), needs, advice),
    );
  },
};

const VERDICTS = {
  recommended: "RECOMMENDED",
  possible: "possible",
  tight: "tight",
  unknown: "not known",
  "ruled-out": "ruled out",
} as const;

function adviceText(version: string, needs: Needs, { recommended, places }: Advice): string {
  const lines = places.flatMap(({ place: where, verdict, device, reasons }) => [
    `${where.padEnd(8)} ${VERDICTS[verdict]}${device === null ? "" : `, on ${device}`}`,
    ...reasons.flatMap((reason) => wrapped(reason, WIDTH - 9)).map((line) => `         ${line}`),
  ]);
  const last =
    recommended === null
      ? `Nothing can be recommended for ${version}: no place is known to meet what is needed.`
      : `${version} is best put: ${recommended}${needs.p99Ms === null ? ". No time limit was stated (--p99)." : "."}`;
  return [...lines, "", last].join("\n");
}
