// Requests in Python with its standard library alone.
import type { JsonValue } from "@slipway/core/processing";
import { binaryForm, WRITTEN_OUT } from "./request-json.ts";
import type { SampleInput } from "./sample.ts";

/** A JSON text is a Python text too. */
const textLiteral = (text: string): string => JSON.stringify(text);

function valueLiteral(value: JsonValue): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(valueLiteral).join(", ")}]`;
  const pairs = Object.entries(value).map(([name, inner]) => `${textLiteral(name)}: ${valueLiteral(inner)}`);
  return `{${pairs.join(", ")}}`;
}

const CALL = (url: string, contentType: string, body: string, more = ""): string => `request = urllib.request.Request(
    ${textLiteral(url)},
    data=${body},
    headers={"content-type": "${contentType}"${more}},
)
with urllib.request.urlopen(request) as response:`;

export function imageRequest(url: string): string {
  return `import json
import urllib.request

with open("image.png", "rb") as file:
    image = file.read()
${CALL(url, "image/png", "image")}
    print(json.load(response)["predictions"])`;
}

export function instancesRequest(url: string, instances: readonly JsonValue[]): string {
  return `import json
import urllib.request

body = {"instances": ${valueLiteral(instances)}}
${CALL(url, "application/json", "json.dumps(body).encode()")}
    print(json.load(response)["predictions"])`;
}

export function tensorRequest(url: string, inputs: readonly SampleInput[]): string {
  const described = inputs.map(
    (input) => `        {
            "name": ${textLiteral(input.name)},
            "shape": [${input.shape.join(", ")}],
            "datatype": "${input.datatype}",
            "data": ${data(input)},
        },`,
  );
  return `import json
import urllib.request

body = {
    "inputs": [
${described.join("\n")}
    ]
}
${CALL(url, "application/json", "json.dumps(body).encode()")}
    print(json.load(response)["outputs"])`;
}

function data({ count, value }: SampleInput): string {
  const element = valueLiteral(value);
  if (count > WRITTEN_OUT) return `[${element}] * ${count}`;
  return `[${Array.from({ length: count }, () => element).join(", ")}]`;
}

export function binaryRequest(url: string, inputs: readonly SampleInput[]): string {
  const { header, sizeBytes } = binaryForm(inputs);
  return `import urllib.request

# JSON can't carry half precision: a JSON header, then the bytes of each input in order.
header = ${textLiteral(header)}.encode()
data = bytes(${sizeBytes})
${CALL(url, "application/octet-stream", "header + data", ', "inference-header-content-length": str(len(header))')}
    length = int(response.headers["inference-header-content-length"])
    print(response.read(length).decode(), response.read())`;
}
