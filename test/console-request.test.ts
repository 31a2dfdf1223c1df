// The requests the console offers to copy are run: the shell parses the curl command, Node runs the TypeScript, and what
// arrives is held against the signature. Python is compared as text.
import { execFile, execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { parseProcessing, type Processing } from "@slipway/core/processing";
import type { PortView, SignatureView } from "slipway/client";
import { describe, expect, test } from "vitest";
import { sampleInstances } from "../console/src/model/instances.ts";
import { type RequestForm, requestForms, type RequestOptions, requestSnippets } from "../console/src/model/request.ts";

const OIP: Readonly<Record<string, string>> = {
  float32: "FP32",
  float16: "FP16",
  int64: "INT64",
  bool: "BOOL",
  string: "BYTES",
};

function port(name: string, dtype: string, shape: PortView["shape"], isOptional = false): PortView {
  return { name, type: `${dtype}[${shape?.join(", ") ?? ""}]`, datatype: OIP[dtype] ?? null, shape, isOptional };
}

const signatureOf = (...inputs: PortView[]): SignatureView => ({ inputs, outputs: [port("y", "float32", ["N", 2])] });

const SIGNATURES = {
  image: signatureOf(port("image", "float32", ["N", 1, 28, 28])),
  transformer: signatureOf(
    port("input_ids", "int64", ["batch", "sequence"]),
    port("attention_mask", "int64", ["batch", "sequence"]),
    port("token_type_ids", "int64", ["batch", "sequence"], true),
  ),
  columns: signatureOf(port('city\'s "name" $HOME', "string", ["N", 1]), port("is_new", "bool", ["N", 1])),
  scalar: signatureOf(port("rate", "float32", []), port("anything", "float32", null)),
  "an unbatched window": signatureOf(port("samples", "float32", [160]), port("state", "float32", [2, 1, 128])),
} as const satisfies Record<string, SignatureView>;

const HALF: SignatureView = signatureOf(port("x", "float16", ["N", 3]), port("n", "int64", ["N"]));
const IMAGE = parseProcessing({ schemaVersion: 1, before: [{ step: "decode-image", channels: "grey" }] });
const SCALED = parseProcessing({ schemaVersion: 1, before: [{ step: "scale", by: 2 }] });

function options(
  signature: SignatureView,
  processing: Processing | null = null,
  address = "http://h:1",
): RequestOptions {
  return { address, endpoint: "my model", signature, processing };
}

interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What the shell makes of a curl command, with a function in curl's place that writes down its arguments and input. */
function sentByShell(command: string): Sent {
  const script = `curl() { printf '%s\\0' "$@"; case "$*" in *@-*) printf 'stdin:'; cat ;; esac; }\n${command}`;
  const output = execFileSync("sh", ["-c", script], { env: { PATH: process.env["PATH"], HOME: "/expanded" } });
  const stdinAt = output.indexOf("\0stdin:");
  const args = (stdinAt < 0 ? output : output.subarray(0, stdinAt + 1)).toString().split("\0").slice(0, -1);
  const [url = "", ...rest] = args;
  const headers: Record<string, string> = {};
  let body = stdinAt < 0 ? Buffer.alloc(0) : output.subarray(stdinAt + 7);
  rest.forEach((arg, i) => {
    const value = rest[i + 1] ?? "";
    if (arg === "-H") headers[value.split(": ")[0] ?? ""] = value.split(": ")[1] ?? "";
    if (arg === "-d") body = Buffer.from(value);
  });
  return { url, headers, body };
}

/** What a script run by Node sends. */
async function sentByNode(snippetFor: (address: string) => string): Promise<Sent & { printed: string }> {
  let sent: Sent | undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      sent = { url: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) };
      response
        .writeHead(200, { "inference-header-content-length": "2" })
        .end(JSON.stringify({ outputs: ["an answer"], predictions: ["a prediction"] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const snippet = snippetFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", snippet]);
    return { ...sent!, printed: stdout };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

interface TensorRequest {
  readonly inputs: readonly { name: string; shape: number[]; datatype: string; data: unknown[] }[];
}

/** Holds a request against the signature: every input that must be given, of its type and shape, and full. */
function expectFits(body: Buffer, { inputs }: SignatureView): void {
  const request = JSON.parse(body.toString()) as TensorRequest;
  const required = inputs.filter(({ isOptional }) => !isOptional);
  expect(request.inputs.map(({ name }) => name)).toEqual(required.map(({ name }) => name));
  for (const [i, { datatype, shape, data }] of request.inputs.entries()) {
    const wanted = required[i]!;
    expect(datatype).toBe(wanted.datatype);
    if (wanted.shape !== null) {
      expect(shape).toHaveLength(wanted.shape.length);
      for (const [axis, length] of wanted.shape.entries())
        if (typeof length === "number") expect(shape[axis]).toBe(length);
    }
    expect(data).toHaveLength(shape.reduce((product, length) => product * length, 1));
    const type = { BOOL: "boolean", BYTES: "string" }[datatype] ?? "number";
    expect(new Set(data.map((value) => typeof value))).toEqual(new Set([type]));
  }
}

const onUnix = test.skipIf(process.platform === "win32");

describe.each(Object.entries(SIGNATURES))("tensors for %s", (_name, signature) => {
  onUnix("curl", () => {
    const sent = sentByShell(requestSnippets(options(signature), "tensors").curl);
    expect(sent.url).toBe("http://h:1/v2/models/my%20model/infer");
    expect(sent.headers["content-type"]).toBe("application/json");
    expectFits(sent.body, signature);
  });

  test("TypeScript", async () => {
    const sent = await sentByNode(
      (address) => requestSnippets(options(signature, null, address), "tensors").TypeScript,
    );
    expect(sent.url).toBe("/v2/models/my%20model/infer");
    expect(sent.headers["content-type"]).toBe("application/json");
    expectFits(sent.body, signature);
    expect(sent.printed).toContain("an answer");
  });
});

describe("half precision goes in binary", () => {
  const expectBinary = ({ headers, body }: Sent): void => {
    const length = Number(headers["inference-header-content-length"]);
    const header = JSON.parse(body.subarray(0, length).toString()) as {
      inputs: { datatype: string; parameters: { binary_data_size: number } }[];
    };
    expect(header.inputs.map((input) => [input.datatype, input.parameters.binary_data_size])).toEqual([
      ["FP16", 6],
      ["INT64", 8],
    ]);
    expect(body.length).toBe(length + 14);
  };
  onUnix("curl", () => expectBinary(sentByShell(requestSnippets(options(HALF), "tensors").curl)));
  test("TypeScript", async () =>
    expectBinary(await sentByNode((address) => requestSnippets(options(HALF, null, address), "tensors").TypeScript)));
  test("Python", () => {
    const { Python } = requestSnippets(options(HALF), "tensors");
    expect(Python).toContain("data = bytes(14)");
    expect(Python).toContain('"inference-header-content-length": str(len(header))');
  });
});

describe("records", () => {
  test("a version that decodes images is asked with one first, then with tensors", () => {
    expect(requestForms(options(SIGNATURES.image, IMAGE))).toEqual<RequestForm[]>(["image", "tensors"]);
  });
  onUnix("curl sends an image", () => {
    const { curl } = requestSnippets(options(SIGNATURES.image, IMAGE), "image");
    expect(sentByShell(curl)).toMatchObject({
      url: "http://h:1/v2/models/my%20model/predict",
      headers: { "content-type": "image/png" },
    });
    expect(curl).toContain("--data-binary @image.png");
  });
  test("instances are rows without their batch axis, named where there are several", () => {
    expect(sampleInstances(SIGNATURES.columns, SCALED)).toEqual([{ 'city\'s "name" $HOME': ["text"], is_new: [true] }]);
    expect(sampleInstances(signatureOf(port("x", "float32", ["N", 2, 2])), SCALED)).toEqual([
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    ]);
    expect(sampleInstances(signatureOf(port("x", "float32", [2, 3])), SCALED)).toEqual([
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ]);
  });
  onUnix("curl and Node send the same instances", async () => {
    const wanted = { instances: [{ 'city\'s "name" $HOME': ["text"], is_new: [true] }] };
    const shell = sentByShell(requestSnippets(options(SIGNATURES.columns, SCALED), "instances").curl);
    expect(JSON.parse(shell.body.toString())).toEqual(wanted);
    const node = await sentByNode(
      (address) => requestSnippets(options(SIGNATURES.columns, SCALED, address), "instances").TypeScript,
    );
    expect(JSON.parse(node.body.toString())).toEqual(wanted);
    expect(node.printed).toContain("a prediction");
  });
});

test("Python is what a person would write", () => {
  const signature = signatureOf(
    port("x", "float32", ["N", 2]),
    port("is_new", "bool", ["N", 1]),
    port("w", "float32", [40]),
  );
  expect(requestSnippets(options(signature), "tensors").Python).toMatchInlineSnapshot(`
    "import json
    import urllib.request

    body = {
        "inputs": [
            {
                "name": "x",
                "shape": [1, 2],
                "datatype": "FP32",
                "data": [0.5, 0.5],
            },
            {
                "name": "is_new",
                "shape": [1, 1],
                "datatype": "BOOL",
                "data": [True],
            },
            {
                "name": "w",
                "shape": [40],
                "datatype": "FP32",
                "data": [0.5] * 40,
            },
        ]
    }
    request = urllib.request.Request(
        "http://h:1/v2/models/my%20model/infer",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        print(json.load(response)["outputs"])"
  `);
});

test("a model with an input that is no tensor of the protocol offers no request", () => {
  expect(requestForms(options(signatureOf({ ...port("s", "float32", null), datatype: null })))).toEqual([]);
});
