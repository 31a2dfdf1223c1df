// Requests as shell commands. Everything a model's file may name is quoted, so that pasting one runs nothing else.
import { shellQuoted } from "@slipway/core/base";
import type { JsonValue } from "@slipway/core/processing";
import { binaryForm, dataText, WRITTEN_OUT } from "./request-json.ts";
import type { SampleInput } from "./sample.ts";

const lines = (...parts: readonly string[]): string => parts.join(" \\\n  ");

export function imageRequest(url: string): string {
  return lines(`curl ${shellQuoted(url)}`, "-H 'content-type: image/png'", "--data-binary @image.png");
}

export function instancesRequest(url: string, instances: readonly JsonValue[]): string {
  return lines(
    `curl ${shellQuoted(url)}`,
    "-H 'content-type: application/json'",
    `-d ${shellQuoted(JSON.stringify({ instances }))}`,
  );
}

export function tensorRequest(url: string, inputs: readonly SampleInput[]): string {
  const described = inputs.map((input) => {
    const { name, shape, datatype } = input;
    const head = `{"name": ${JSON.stringify(name)}, "shape": [${shape.join(", ")}], "datatype": "${datatype}", "data": `;
    return `${quotedInside(head)}${shellData(input)}}`;
  });
  return lines(
    `curl ${shellQuoted(url)}`,
    "-H 'content-type: application/json'",
    `-d '{"inputs": [${described.join(",\n    ")}]}'`,
  );
}

/** For use between single quotes. */
function quotedInside(text: string): string {
  return text.replaceAll("'", String.raw`'\''`);
}

/** Many equal elements are printed by the shell: the single quotes are left for a substitution. */
function shellData(input: SampleInput): string {
  if (input.count <= WRITTEN_OUT) return quotedInside(dataText(input));
  const element = JSON.stringify(input.value);
  return `['"$(printf '${quotedInside(element)},%.0s' $(seq ${input.count - 1}))"'${quotedInside(element)}]`;
}

export function binaryRequest(url: string, inputs: readonly SampleInput[]): string {
  const { header, sizeBytes } = binaryForm(inputs);
  const headerBytes = new TextEncoder().encode(header).length;
  return `{ printf %s ${shellQuoted(header)}; head -c ${sizeBytes} /dev/zero; } |\n  ${lines(
    `curl ${shellQuoted(url)}`,
    "-H 'content-type: application/octet-stream'",
    `-H 'inference-header-content-length: ${headerBytes}'`,
    "--data-binary @- --output answer.bin",
  )}`;
}
