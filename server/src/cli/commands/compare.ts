// `slipway compare`: which of two versions answers labelled rows better, kept as evidence of the candidate.
import { SlipwayError } from "@slipway/core/base";
import type { EvidenceView } from "slipway/client";
import { type Command, textOption } from "../command.ts";
import { comparisonText } from "../comparison-text.ts";
import { versionText } from "../endpoint-text.ts";
import { untilInterrupted } from "../interrupt.ts";
import { measured } from "../measured.ts";
import { QUALITY_FLAGS, qualityOptionsFrom, ROWS_FLAGS, rowsFrom } from "../measure-flags.ts";
import { findVersion, versionReference } from "../model-reference.ts";

export const compare: Command = {
  about:
    "Runs two versions over the same labelled rows and says whether the candidate is better than the baseline: each figure of both, the difference with its interval and how likely it is by chance, by class and by slice. The tests are paired: what makes a row hard is hard for both. The verdict goes by accuracy, or by the mean absolute error of a regression. What is found is kept as evidence of the candidate (kind comparison), for launch policies to ask.",
  arguments: [
    { name: "<baseline>", description: "The version to beat: NAME (the newest) or NAME@VERSION" },
    { name: "<candidate>", description: "The version that wants its place: NAME (the newest) or NAME@VERSION" },
  ],
  options: [
    ...ROWS_FLAGS,
    ...QUALITY_FLAGS,
    { flags: "--baseline-output <name>", description: "The baseline's output, where it is called otherwise" },
    { flags: "--reason <text>", description: "Why, for the record" },
  ],
  examples: [
    {
      line: "slipway compare digits@1 digits@2 --data digits/test --input image=images.npy --labels labels.npy",
      says: "whether version 2 is better than version 1",
    },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const [first, second] = context.arguments.map(versionReference);
    const { signal } = context;
    const session = await untilInterrupted(context.connect(), signal);
    const { client } = session;
    const baseline = await untilInterrupted(findVersion(client, first!), signal);
    const candidate = await untilInterrupted(findVersion(client, second!), signal);
    context.progress.step(`Comparing ${versionText(candidate)} with ${versionText(baseline)} …`);
    const data = await untilInterrupted(rowsFrom(context, client), signal);
    if (data === null) {
      throw new SlipwayError(
        "USAGE",
        "Versions are compared on labelled rows; name them by --data, --input and --labels.",
      );
    }
    const baselineOutput = textOption(context.options, "baselineOutput");
    const options = {
      ...qualityOptionsFrom(context.options),
      ...(baselineOutput === undefined ? {} : { baselineOutput }),
    };
    const { name, number } = candidate;
    const [found] = await measured(context, session, {
      params: { name, number },
      body: {
        what: ["comparison"],
        options: { comparison: options },
        data,
        against: { name: baseline.name, number: baseline.number },
        reason: textOption(context.options, "reason") ?? null,
      },
    });
    context.progress.end();
    const evidence: EvidenceView = found!;
    context.answer(evidence, () => comparisonText(evidence, versionText(candidate)));
  },
};
