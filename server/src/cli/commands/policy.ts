// `slipway policy`: what a version must show before it goes live.
import { SlipwayError } from "@slipway/core/base";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { versionText } from "../endpoint-text.ts";
import { findVersion, versionReference } from "../model-reference.ts";
import { readPolicyFile } from "../policy-file.ts";
import { policiesText, verdictText } from "../policy-text.ts";

const USAGE =
  "slipway policy list, slipway policy set ENDPOINT FILE, slipway policy remove ENDPOINT, or slipway policy check MODEL";

export const policy: Command = {
  about:
    'A launch policy says what evidence must show of a version before it goes live behind an endpoint: lines such as "size <= 5 MB" in a YAML or JSON file. `slipway deploy` asks it; what is unknown or too old does not pass. "*" in place of an endpoint stands for all without a policy of their own. `check` ends with 4 where the version does not pass.',
  arguments: [
    { name: "<action>", description: "list, set, remove or check" },
    { name: "[operands...]", description: "set: ENDPOINT FILE; remove: ENDPOINT; check: NAME or NAME@VERSION" },
  ],
  options: [
    {
      flags: "--endpoint <name>",
      description: "check: the endpoint whose policy is asked; the version's name if left out",
    },
    { flags: "--policy <file>", description: "check: a policy's file instead" },
    { flags: "--reason <text>", description: "set, remove: why, for the record" },
  ],
  examples: [
    { line: "slipway policy set digits policy.yaml", says: "from now on digits has a gate" },
    { line: "slipway policy check digits@2", says: "whether version 2 would pass, and what is missing" },
    { line: "slipway policy check digits --policy stricter.yaml", says: "the same for a policy nobody has set" },
  ],
  run: async (context) => {
    const [action, ...operands] = context.arguments;
    const act = { list, set, remove, check }[action!];
    if (act === undefined) throw new SlipwayError("USAGE", `There is no "policy ${action}"; there is ${USAGE}.`);
    await act(context, operands);
  },
};

async function list(context: CommandContext, operands: readonly string[]): Promise<void> {
  expectOperands(operands, 0);
  const { client } = await context.connect();
  const policies = await client.listPolicies();
  context.answer(policies, () => policiesText(policies));
}

async function set(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [endpoint, file] = expectOperands(operands, 2);
  const requirements = readPolicyFile(context.environment.workingDirectory, file!);
  const { client } = await context.connect();
  const reason = textOption(context.options, "reason") ?? null;
  const kept = await client.setPolicy({ params: { endpoint: endpoint! }, body: { requirements, reason } });
  context.answer(kept, () => policiesText([kept]));
}

async function remove(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [endpoint] = expectOperands(operands, 1);
  const { client } = await context.connect();
  const reason = textOption(context.options, "reason");
  const removed = await client.removePolicy({
    params: { endpoint: endpoint! },
    query: reason === undefined ? {} : { reason },
  });
  context.answer(removed, () => `The launch policy of ${endpoint} is removed.`);
}

async function check(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [model] = expectOperands(operands, 1);
  const reference = versionReference(model!);
  const file = textOption(context.options, "policy");
  const endpoint = textOption(context.options, "endpoint") ?? reference.name;
  const requirements = file === undefined ? undefined : readPolicyFile(context.environment.workingDirectory, file);
  const { client } = await context.connect();
  const { name, number } = await findVersion(client, reference);
  const body = requirements === undefined ? { endpoint } : { requirements };
  const { judged } = await client.checkPolicy({ params: { name, number }, body });
  context.answer({ name, number, judged }, () =>
    judged === null
      ? `No launch policy stands before ${endpoint}: ${versionText({ name, number })} is ungated.`
      : verdictText(judged),
  );
  if (judged !== null && judged.verdict !== "yes") {
    throw new SlipwayError("GATE_REFUSED", `${versionText({ name, number })} does not pass.`);
  }
}

function expectOperands(operands: readonly string[], wanted: number): readonly string[] {
  if (operands.length === wanted) return operands;
  throw new SlipwayError(
    "USAGE",
    `It takes ${wanted} operand${wanted === 1 ? "" : "s"}, not ${operands.length}: ${USAGE}.`,
  );
}
