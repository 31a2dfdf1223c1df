// `slipway import`: files to a version, without serving it.
import { type Command, requiredOption, textOption } from "../command.ts";
import { importFiles, modelSource } from "../model-files.ts";
import { modelText } from "../model-text.ts";

export const importModel: Command = {
  about:
    "Examines an ONNX model without running it, stores its bytes (with external data that lies beside it) and registers it as the next version of a name. The same model with the same processing again answers the version there is. It is not served until `slipway deploy`.",
  arguments: [{ name: "<file>", description: "ONNX file, or a directory with model.onnx and perhaps processing.json" }],
  options: [
    { flags: "--name <name>", description: "Name of the version" },
    { flags: "--processing <file>", description: "Steps before and after the model, as JSON" },
    { flags: "--note <text>", description: "What is worth knowing about it" },
  ],
  examples: [{ line: "slipway import model.onnx --name digits", says: "registers digits@1, or the next number" }],
  run: async (context) => {
    const name = requiredOption(context.options, "name", "slipway import model.onnx --name NAME");
    const { workingDirectory } = context.environment;
    const source = modelSource(workingDirectory, context.arguments[0]!, textOption(context.options, "processing"));
    const { client } = await context.connect();
    const note = textOption(context.options, "note") ?? null;
    const imported = await importFiles(client, source, { name, note }, context.progress);
    context.progress.end();
    const { version, isNew } = imported;
    context.answer(imported, () => {
      const title = `${version.name}@${version.number} ${isNew ? "is registered" : "was registered already, with the same bytes"}.`;
      return `${title}\n\n${modelText(version.model)}\n\nServe it: slipway deploy ${version.name}@${version.number}`;
    });
  },
};
