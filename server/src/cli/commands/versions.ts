// `slipway versions`: what is registered.
import { versionReference } from "../model-reference.ts";
import type { Command } from "../command.ts";
import { count, moment, size, table } from "../text.ts";

export const versions: Command = {
  about: "Lists the registered versions, newest first, with the model each one names and where it came from.",
  arguments: [{ name: "[name]", description: "Only the versions of this name" }],
  options: [],
  examples: [{ line: "slipway versions digits", says: "the versions of digits" }],
  run: async (context) => {
    const { client } = await context.connect();
    const [name] = context.arguments;
    const found = await client.listVersions({
      query: name === undefined ? {} : { name: versionReference(name).name },
    });
    context.answer(found, () => {
      if (found.length === 0 && name !== undefined) return `No version has this name; \`slipway versions\` lists all.`;
      if (found.length === 0) return "No versions yet. Import a model: slipway import model.onnx --name NAME";
      const rows = found.map((version) => [
        `${version.name}@${version.number}`,
        version.model.hash.slice(0, 12),
        size(version.model.sizeBytes),
        count(version.model.parameterCount),
        version.processing === null ? "no" : "yes",
        moment(version.createdAt),
        version.note ?? version.source,
      ]);
      return table(["version", "model", "size", "parameters", "processing", "imported", "note"], rows, "llrrlll").join(
        "\n",
      );
    });
  },
};
