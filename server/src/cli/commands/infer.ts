// `slipway infer`: inputs from files to a model's answer, on the running server or on one of this command's own.
import { SlipwayError } from "@slipway/core/base";
import { decodeAnswer, encodeRequest, type EndpointMetadata, HEADER_LENGTH } from "#load";
import { outputsText, predictionsText, type Predictions, tensorsJson, tensorsText } from "../answer-text.ts";
import { type Command, type CommandContext, listOption } from "../command.ts";
import { readNamedFile } from "../files.ts";
import { givenInput, inferBody } from "../infer-inputs.ts";
import { modelSource, nameFromPath } from "../model-files.ts";
import { modelReference, pathHint } from "../model-reference.ts";
import { reachableFetch } from "../session.ts";
import { deployFiles, withTemporaryDirectory, withTemporaryServer } from "../temporary-server.ts";
import { ApiError, apiErrorFrom } from "slipway/client";

export const infer: Command = {
  about:
    'Sends inputs to a model and shows its answer. An image, or JSON with "instances", goes through the version\'s processing and answers labels or outputs; arrays and JSON with "inputs" go to the model as they are. A model file, or a name with the server stopped, is run by this command itself.',
  arguments: [
    { name: "<model>", description: "Name of an endpoint, NAME@VERSION, or an ONNX file or directory" },
    { name: "[inputs...]", description: "An image, a .json body or its text, or as --input" },
  ],
  options: [
    {
      flags: "-i, --input <input>",
      description:
        "NAME=FILE.npy, NAME=FILE.json or NAME=[[1, 2]]; the name may be left out where the model has one input",
      isList: true,
    },
  ],
  examples: [
    { line: "slipway infer digits seven.png", says: "an image through the version's processing" },
    { line: "slipway infer model.onnx --input x=batch.npy", says: "a file, without a server" },
    { line: "slipway infer iris --input 'x=[[5.1, 3.5, 1.4, 0.2]]' --json", says: "values as they stand" },
    { line: `slipway infer loans '{"instances": [{"age": 41, "job": "clerk"}]}'`, says: "rows by their columns" },
  ],
  reachesServe: true,
  run: async (context) => {
    const [model, ...positional] = context.arguments;
    const reference = modelReference(model!);
    if (reference.kind === "hash") throw new SlipwayError("USAGE", "Name an endpoint or a file; a hash is not served.");
    if (reference.kind === "path") {
      const source = modelSource(context.environment.workingDirectory, reference.path, undefined);
      const name = nameFromPath(source.file);
      return await withTemporaryDirectory((directory) =>
        withTemporaryServer(context, directory, async (server) => {
          await deployFiles(server, source, name, context);
          await ask(context, modelUrl(server.inferenceAddress, name, null), positional);
        }),
      );
    }
    const { dataDir } = context.configuration.settings;
    if ((await context.findServer()) === null) {
      context.progress.step("No server is running; loading the model …");
      return await withTemporaryServer(context, dataDir, (server) =>
        askNamed(context, server.inferenceAddress, reference, positional),
      );
    }
    const { client } = await context.connect();
    const { inferenceAddress } = await client.getStatus();
    await askNamed(context, inferenceAddress, reference, positional);
  },
};

/** Asks an endpoint; where there is none of that name, a path may have been meant. */
async function askNamed(
  context: CommandContext,
  address: string,
  { name, number }: { readonly name: string; readonly number: number | null },
  positional: readonly string[],
): Promise<void> {
  try {
    await ask(context, modelUrl(address, name, number), positional);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "ENDPOINT_NOT_FOUND") throw error;
    const hint = pathHint(name, context.environment.workingDirectory);
    throw new ApiError(error.status, error.code, `${error.message}${hint}`, error.details);
  }
}

function modelUrl(address: string, name: string, number: number | null): string {
  return `${address}/v2/models/${name}${number === null ? "" : `/versions/${number}`}`;
}

async function ask(context: CommandContext, url: string, positional: readonly string[]): Promise<void> {
  const given = [...positional, ...listOption(context.options, "input")].map(givenInput);
  const endpoint = JSON.parse((await post(url, null)).body.toString("utf8")) as EndpointMetadata;
  if (given.length === 0) {
    const names = endpoint.inputs.map(({ name, datatype, shape }) => `${name} (${datatype} [${shape.join(", ")}])`);
    throw new SlipwayError("INPUT_MISSING", `No input was given; the model takes ${names.join(", ")}.`);
  }
  const body = await inferBody(given, endpoint, (file) => readNamedFile(context.environment.workingDirectory, file));
  context.progress.step("Waiting for the answer …");
  if (body.kind === "records") {
    const { body: answer } = await post(`${url}/predict`, {
      headers: { "content-type": body.contentType },
      body: body.body,
    });
    const predictions = JSON.parse(answer.toString("utf8")) as Predictions;
    context.progress.end();
    return context.answer(predictions, () => predictionsText(predictions));
  }
  if (body.kind === "request") {
    const { body: answer } = await post(`${url}/infer`, {
      headers: { "content-type": "application/json" },
      body: body.body,
    });
    const value: unknown = JSON.parse(answer.toString("utf8"));
    context.progress.end();
    return context.answer(value, () => outputsText(value));
  }
  const { body: answer, headerLength } = await post(
    `${url}/infer`,
    encodeRequest(body.inputs, { isBinary: true, isBinaryAnswer: true }),
  );
  const outputs = decodeAnswer(answer, headerLength);
  context.progress.end();
  context.answer(tensorsJson(outputs), () => tensorsText(outputs));
}

/** Posts a body, or gets where there is none. */
async function post(
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array } | null,
): Promise<{ body: Buffer; headerLength: number | null }> {
  const response = await reachableFetch(
    url,
    request === null ? {} : { method: "POST", headers: request.headers, body: Buffer.from(request.body) },
  );
  const body = Buffer.from(await response.arrayBuffer());
  if (response.ok) {
    const length = response.headers.get(HEADER_LENGTH);
    return { body, headerLength: length === null ? null : Number(length) };
  }
  throw apiErrorFrom(response.status, parsed(body));
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}
