// Requests in TypeScript with nothing but fetch; they run as they are in Node.
import type { JsonValue } from "@slipway/core/processing";
import { binaryForm, dataText, WRITTEN_OUT } from "./request-json.ts";
import type { SampleInput } from "./sample.ts";

const READ = `const answer = await response.json();
if (!response.ok) throw new Error(answer.error);
`;

export function imageRequest(url: string): string {
  return `import { readFile } from "node:fs/promises";

const response = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: { "content-type": "image/png" },
  body: await readFile("image.png"),
});
${READ}console.log(JSON.stringify(answer.predictions, null, 2));`;
}

export function instancesRequest(url: string, instances: readonly JsonValue[]): string {
  return `const response = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ instances: ${JSON.stringify(instances)} }),
});
${READ}console.log(JSON.stringify(answer.predictions, null, 2));`;
}

export function tensorRequest(url: string, inputs: readonly SampleInput[]): string {
  const described = inputs.map((input) => {
    const { name, shape, datatype } = input;
    return `      {
        name: ${JSON.stringify(name)},
        shape: [${shape.join(", ")}],
        datatype: "${datatype}",
        data: ${data(input)},
      },`;
  });
  return `const response = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    inputs: [
${described.join("\n")}
    ],
  }),
});
${READ}console.log(JSON.stringify(answer.outputs));`;
}

function data(input: SampleInput): string {
  return input.count <= WRITTEN_OUT
    ? dataText(input)
    : `Array.from({ length: ${input.count} }, () => ${JSON.stringify(input.value)})`;
}

export function binaryRequest(url: string, inputs: readonly SampleInput[]): string {
  const { header, sizeBytes } = binaryForm(inputs);
  return `// JSON can't carry half precision: a JSON header, then the bytes of each input in order.
const header = new TextEncoder().encode(
  ${JSON.stringify(header)},
);
const data = new Uint8Array(${sizeBytes});
const response = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: {
    "content-type": "application/octet-stream",
    "inference-header-content-length": String(header.length),
  },
  body: new Blob([header, data]),
});
const bytes = new Uint8Array(await response.arrayBuffer());
if (!response.ok) throw new Error(new TextDecoder().decode(bytes));
const headerLength = Number(response.headers.get("inference-header-content-length"));
console.log(new TextDecoder().decode(bytes.subarray(0, headerLength)), bytes.subarray(headerLength));`;
}
