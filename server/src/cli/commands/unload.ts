// `slipway unload`: an endpoint out of service.
import { type Command, textOption } from "../command.ts";
import { versionReference } from "../model-reference.ts";

export const unload: Command = {
  about:
    "Takes an endpoint out of service: it takes no new requests, answers those it has, and its runners end. Its versions stay registered; `slipway deploy` brings it back.",
  arguments: [{ name: "<endpoint>", description: "Name of the endpoint" }],
  options: [{ flags: "--reason <text>", description: "Why, for the record" }],
  examples: [{ line: "slipway unload digits", says: "digits answers no more" }],
  run: async (context) => {
    const { kind, client } = await context.connect();
    const endpoint = versionReference(context.arguments[0]!).name;
    if (kind === "server") context.progress.step(`Unloading ${endpoint} …`);
    const view = await client.unload({
      params: { endpoint },
      body: { reason: textOption(context.options, "reason") ?? null },
    });
    context.progress.end();
    context.answer(view, () =>
      kind === "server"
        ? `${endpoint} is out of service. Bring it back: slipway deploy ${endpoint}`
        : `Recorded: ${endpoint} stays out of service from the next \`slipway start\` on.`,
    );
  },
};
