// `slipway deploy`: a version, or a file that becomes one, behind an endpoint.
import { SlipwayError } from "@slipway/core/base";
import { MEASUREMENT_NAMES, MEASUREMENTS } from "#lab/measure";
import type { Client } from "slipway/client";
import { type Command, type CommandContext, requiredOption, textOption } from "../command.ts";
import { mergedSettings, settingsFromDeploymentFlags, type SettingsTree } from "../deployment-flags.ts";
import { deployedText } from "../endpoint-text.ts";
import { importFiles, modelSource } from "../model-files.ts";
import { untilInterrupted } from "../interrupt.ts";
import { measured } from "../measured.ts";
import { findVersion, modelReference, pathHint } from "../model-reference.ts";
import { checkPlan, keptPlan, partsOf, planWarnings } from "../plan/kept-plan.ts";
import { gateText } from "../policy-text.ts";
import type { Session } from "../session.ts";

export const deploy: Command = {
  about:
    "Loads a version, warms it up, switches the endpoint to it and lets the one before finish what it has in flight; a file is imported and checked first. A version whose signature would break callers of the live one is refused unless --breaking says so, and one that does not pass the endpoint's launch policy (see `slipway policy`) unless --override does. With the server stopped, the next start serves it.",
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME (the newest version), or NAME@VERSION" }],
  options: [
    { flags: "--name <name>", description: "Name of the version, for a file" },
    { flags: "--endpoint <name>", description: "Endpoint to put it behind; the version's name if left out" },
    { flags: "--processing <file>", description: "Steps before and after the model, as JSON, for a file" },
    { flags: "--note <text>", description: "What is worth knowing about it, for a file" },
    { flags: "--breaking", description: "Switch even if callers of the live version would break" },
    {
      flags: "--measure",
      description: "Measure first what the launch policy asks for and is not known, where no rows are needed",
    },
    {
      flags: "--plan <plan>",
      description:
        "Take the settings of a plan (see `slipway plan`): a file, or the id of its evidence; flags win over it",
    },
    { flags: "--override", description: "Switch even if the launch policy says otherwise; needs --reason" },
    { flags: "--reason <text>", description: "Why, for the record" },
  ],
  settings: "deployment",
  handlesInterrupt: true,
  examples: [
    { line: "slipway deploy model.onnx --name digits", says: "imports the file and serves it as digits" },
    { line: "slipway deploy digits@2", says: "switches digits to version 2" },
    { line: "slipway deploy digits --runtime-instances 2", says: "the newest version, on two runners" },
    { line: "slipway deploy digits --plan plan.json", says: "with the settings that a plan found" },
  ],
  run: async (context) => {
    const { options, signal } = context;
    const session = await untilInterrupted(context.connect(), signal);
    const { name, number } = await untilInterrupted(versionToDeploy(context, session.client), signal);
    const endpoint = textOption(options, "endpoint") ?? name;
    const given = settingsFromDeploymentFlags(context.settingFlags);
    const planned = await untilInterrupted(plannedSettings(context, session.client, { name, number }), signal);
    if (options["measure"] === true) await measureWhatIsAsked(context, session, { name, number }, endpoint);
    context.progress.step(`${session.kind === "server" ? "Loading" : "Recording"} ${name}@${number} …`);
    const body = {
      name,
      number,
      settings: mergedSettings(planned.settings, given),
      allowBreaking: options["breaking"] === true,
      isOverride: options["override"] === true,
      reason: textOption(options, "reason") ?? null,
    };
    const done = await untilInterrupted(session.client.deploy({ params: { endpoint }, body }), signal);
    context.progress.end();
    const { warnings } = planned;
    context.answer({ ...done, warnings }, () =>
      [deployedText(session, done), gateText(done.gate), ...warnings.flatMap((line) => ["", line])].join("\n"),
    );
  },
};

/** What the plan that is named says of a deployment's settings, and what has to be known about it; nothing where none is. */
async function plannedSettings(
  context: CommandContext,
  client: Client,
  params: { readonly name: string; readonly number: number },
): Promise<{ readonly settings: SettingsTree; readonly warnings: readonly string[] }> {
  const given = textOption(context.options, "plan");
  if (given === undefined) return { settings: {}, warnings: [] };
  const plan = await keptPlan(client, params, given, context.environment.workingDirectory);
  checkPlan(plan, await client.getVersion({ params }));
  const { machine } = await context.platform();
  const { keys } = await client.getConfig();
  const ofServer = Object.fromEntries(
    keys.flatMap(({ key, value }) => (key.startsWith("server.") ? [[key.slice("server.".length), value]] : [])),
  );
  return { settings: partsOf(plan).ofDeployment, warnings: planWarnings(plan, machine, { server: ofServer }) };
}

/** Measures what the launch policy of the endpoint asks for and nothing is known of, as far as that needs the model alone. */
async function measureWhatIsAsked(
  context: CommandContext,
  session: Session,
  params: { readonly name: string; readonly number: number },
  endpoint: string,
): Promise<void> {
  const { judged } = await session.client.checkPolicy({ params, body: { endpoint } });
  const open = judged?.requirements.filter(({ verdict }) => verdict === "unknown") ?? [];
  const kinds = new Set(open.map(({ requirement }) => /^[^.\s<>=]+/.exec(requirement)![0]));
  const what = MEASUREMENT_NAMES.filter((name) => kinds.has(name) && !MEASUREMENTS[name].needsRows);
  if (what.length === 0) return;
  context.progress.step(`Measuring ${what.join(", ")} …`);
  await measured(context, session, { params, body: { what } });
}

async function versionToDeploy(context: CommandContext, client: Client): Promise<{ name: string; number: number }> {
  const { options } = context;
  const { workingDirectory } = context.environment;
  const reference = modelReference(context.arguments[0]!);
  if (reference.kind === "version") {
    for (const name of ["name", "processing", "note"]) {
      if (options[name] === undefined) continue;
      throw new SlipwayError(
        "USAGE",
        `--${name} goes with a file; ${context.arguments[0]} is a version. For another endpoint name, use --endpoint.${pathHint(reference.name, workingDirectory)}`,
      );
    }
    return await findVersion(client, reference, workingDirectory);
  }
  if (reference.kind === "hash") throw new SlipwayError("USAGE", "Deploy a version by NAME@VERSION, not by its hash.");
  const name = requiredOption(options, "name", `slipway deploy ${context.arguments[0]} --name NAME`);
  const source = modelSource(workingDirectory, reference.path, textOption(options, "processing"));
  const note = textOption(options, "note") ?? null;
  const { version } = await importFiles(client, source, { name, note }, context.progress);
  return version;
}
