// `slipway rollback`: an endpoint back to what was live before.
import { type Command, textOption } from "../command.ts";
import { deployedText } from "../endpoint-text.ts";
import { versionReference } from "../model-reference.ts";

export const rollback: Command = {
  about:
    "Switches an endpoint back to what was live before. The version is loaded and warm before the switch, and what the present one has in flight is still answered.",
  arguments: [{ name: "<endpoint>", description: "Name of the endpoint" }],
  options: [{ flags: "--reason <text>", description: "Why, for the record" }],
  examples: [{ line: 'slipway rollback digits --reason "wrong on sevens"', says: "the version before is live again" }],
  run: async (context) => {
    const session = await context.connect();
    const endpoint = versionReference(context.arguments[0]!).name;
    if (session.kind === "server") context.progress.step(`Rolling back ${endpoint} …`);
    const done = await session.client.rollback({
      params: { endpoint },
      body: { reason: textOption(context.options, "reason") ?? null },
    });
    context.progress.end();
    context.answer(done, () => deployedText(session, done));
  },
};
