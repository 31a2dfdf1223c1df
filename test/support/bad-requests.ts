// Requests that must be refused, as data: what is sent, and the status and code of the answer. `x` is float32 [N, 2].
import { deflateSync, gzipSync } from "node:zlib";
import { type HttpRequest, requestBytes } from "./raw-http.ts";

/** What is sent, and the statuses and codes of the answers, such as "400 REQUEST_MALFORMED"; "200" stands for an answer. */
export interface BadRequest {
  readonly bytes: Uint8Array;
  readonly answers: readonly string[];
}

type Cases = Readonly<Record<string, BadRequest>>;

const MALFORMED = "400 REQUEST_MALFORMED";
const SHAPE = "400 INPUT_SHAPE_MISMATCH";
const DATA = "400 INPUT_DATA_MISMATCH";
const PARAMETER = "400 PARAMETER_INVALID";
const UNKNOWN = "400 INPUT_UNKNOWN";

const ROUTE = "/v2/models/scale/infer";
const x = (more: object = {}) => ({ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2], ...more });
const bodyOf = (inputs: unknown, more: object = {}) => JSON.stringify({ inputs, ...more });
const SOUND = bodyOf([x()]);
const withData = (data: string, shape = "[1,2]") =>
  `{"inputs":[{"name":"x","shape":${shape},"datatype":"FP32","data":${data}}]}`;

const posted = (bodies: Readonly<Record<string, readonly [string | Uint8Array, string]>>, target = ROUTE): Cases =>
  Object.fromEntries(
    Object.entries(bodies).map(([name, [body, answer]]) => [
      name,
      { bytes: requestBytes(target, { body }), answers: [answer] },
    ]),
  );
const one = (answer: string, target: string, request: HttpRequest = {}): BadRequest => ({
  bytes: requestBytes(target, request),
  answers: [answer],
});
const raw = (text: string | Uint8Array, ...answers: readonly string[]): BadRequest => ({
  bytes: typeof text === "string" ? Buffer.from(text, "latin1") : text,
  answers,
});

export const BODIES: Cases = posted({
  nothing: ["", MALFORMED],
  spaces: ["   ", MALFORMED],
  null: ["null", MALFORMED],
  "an array": ["[]", MALFORMED],
  "a body cut short": [SOUND.slice(0, -3), MALFORMED],
  "a body and more": [`${SOUND}x`, MALFORMED],
  "two bodies": [SOUND + SOUND, MALFORMED],
  "a byte order mark": [`\ufeff${SOUND}`, MALFORMED],
  "UTF-16": [Buffer.from(SOUND, "utf16le"), MALFORMED],
  "bytes that are no UTF-8": [
    Buffer.concat([Buffer.from('{"inputs":[{"name":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}]}')]),
    MALFORMED,
  ],
  "a lone surrogate": ['{"inputs":[{"name":"\\ud800","shape":[1,2],"datatype":"FP32","data":[1,2]}]}', MALFORMED],
  "a raw control character": ['{"inputs":[{"name":"a\nb"}]}', MALFORMED],
  "an unknown escape": ['{"inputs":[{"name":"\\x"}]}', MALFORMED],
  "no inputs": ["{}", MALFORMED],
  "inputs that are null": ['{"inputs":null}', MALFORMED],
  "an input that is a number": ['{"inputs":[1]}', MALFORMED],
  "inputs without any": [bodyOf([]), "400 INPUT_MISSING"],
  "an input without a name": [bodyOf([x({ name: undefined })]), MALFORMED],
  "a name that is a number": [bodyOf([x({ name: 1 })]), MALFORMED],
  "a name of 100 000 characters": [bodyOf([x({ name: "n".repeat(1e5) })]), MALFORMED],
  "an unknown name": [bodyOf([x({ name: "z" })]), UNKNOWN],
  "a NUL in a name": ['{"inputs":[{"name":"x\\u0000","shape":[1,2],"datatype":"FP32","data":[1,2]}]}', UNKNOWN],
  "the name __proto__": [bodyOf([x({ name: "__proto__" })]), UNKNOWN],
  "the name constructor": [bodyOf([x({ name: "constructor" })]), UNKNOWN],
  "an input twice": [bodyOf([x(), x()]), "400 INPUT_DUPLICATE"],
  "5000 inputs": [bodyOf(Array.from({ length: 5000 }, (_, index) => x({ name: `n${index}` }))), MALFORMED],
  "the inputs twice": [`{"inputs":[],"inputs":${JSON.stringify([x()])}}`, MALFORMED],
  "data twice": ['{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2],"data":[3,4]}]}', MALFORMED],
  "arrays 200 000 deep": ["[".repeat(200_000), MALFORMED],
  "objects 100 000 deep": [`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, MALFORMED],
  "data 100 000 deep": [withData("[".repeat(100_000) + "]".repeat(100_000)), DATA],
  "an unknown datatype": [bodyOf([x({ datatype: "FP31" })]), MALFORMED],
  "a datatype of an object's prototype": [bodyOf([x({ datatype: "toString" })]), MALFORMED],
  "another datatype": [bodyOf([x({ datatype: "INT64" })]), "400 INPUT_DTYPE_MISMATCH"],
  "strings for numbers": [bodyOf([x({ datatype: "BYTES", data: ["1", "2"] })]), "400 INPUT_DTYPE_MISMATCH"],
  "no shape": [bodyOf([x({ shape: undefined })]), MALFORMED],
  "a negative axis": [bodyOf([x({ shape: [-1, 2] })]), SHAPE],
  "half an axis": [bodyOf([x({ shape: [1.5, 2] })]), MALFORMED],
  "an axis of 1e308": [withData("[1,2]", "[1e308,2]"), SHAPE],
  "an axis over every number": [withData("[1,2]", "[1e999,2]"), MALFORMED],
  "axes whose product overflows 64 bits": [bodyOf([x({ shape: [2 ** 32, 2 ** 32] })]), SHAPE],
  "axes whose product is 0 only on paper": [bodyOf([x({ shape: [0, Number.MAX_SAFE_INTEGER], data: [] })]), SHAPE],
  "an axis over 2^53": [withData("[1,2]", "[9007199254740993,2]"), SHAPE],
  "a billion rows without data": [bodyOf([x({ shape: [1e9, 2] })]), DATA],
  "100 axes": [bodyOf([x({ shape: Array.from({ length: 100 }, () => 1), data: [1] })]), SHAPE],
  "one axis too few": [bodyOf([x({ shape: [2] })]), SHAPE],
  "a wrong fixed axis": [bodyOf([x({ shape: [1, 3], data: [1, 2, 3] })]), SHAPE],
  "no data": [bodyOf([x({ data: undefined })]), MALFORMED],
  "too little data": [bodyOf([x({ data: [1] })]), DATA],
  "too much data": [bodyOf([x({ data: [1, 2, 3] })]), DATA],
  "ragged data": [bodyOf([x({ shape: [2, 2], data: [[1], [2, 3, 4]] })]), DATA],
  "data of objects": [bodyOf([x({ data: [{}, {}] })]), DATA],
  "data of texts": [bodyOf([x({ data: ["1", "2"] })]), DATA],
  "a number of a million digits": [withData(`[${"1".repeat(1e6)},2]`), MALFORMED],
  "+1": [withData("[+1,2]"), MALFORMED],
  "01": [withData("[01,2]"), MALFORMED],
  ".5": [withData("[.5,2]"), MALFORMED],
  "0x1": [withData("[0x1,2]"), MALFORMED],
  "nan in small letters": [withData("[nan,2]"), DATA],
  "a hole in the data": [withData("[1,,2]"), MALFORMED],
  "an id that is a number": [bodyOf([x()], { id: 5 }), MALFORMED],
  "an id of 100 000 characters": [bodyOf([x()], { id: "i".repeat(1e5) }), MALFORMED],
  "an unknown output": [bodyOf([x()], { outputs: [{ name: "z" }] }), "400 OUTPUT_UNKNOWN"],
  "an output twice": [bodyOf([x()], { outputs: [{ name: "y" }, { name: "y" }] }), MALFORMED],
  "-1 classes": [bodyOf([x()], { outputs: [{ name: "y", parameters: { classification: -1 } }] }), PARAMETER],
  "a negative timeout": [bodyOf([x()], { parameters: { timeout: -1 } }), PARAMETER],
  "a timeout of 1e308": [`{"parameters":{"timeout":1e308},"inputs":${JSON.stringify([x()])}}`, PARAMETER],
  "a timeout that has passed": [bodyOf([x()], { parameters: { timeout: 1 } }), "504 DEADLINE_EXCEEDED"],
  "a priority there is not": [bodyOf([x()], { parameters: { priority: 99 } }), PARAMETER],
  "parameters within parameters": [bodyOf([x()], { parameters: { a: { b: 1 } } }), MALFORMED],
  "shared memory": [
    bodyOf([x({ data: undefined, parameters: { shared_memory_region: "a", shared_memory_byte_size: 8 } })]),
    "501 EXTENSION_UNSUPPORTED",
  ],
});

const EIGHT = Buffer.from(Float32Array.of(1, 2).buffer);
const sized = (size: unknown, more: object = {}) => ({
  name: "x",
  shape: [1, 2],
  datatype: "FP32",
  parameters: { binary_data_size: size },
  ...more,
});
function binary(inputs: unknown, tail: Uint8Array, answer: string, length?: string): BadRequest {
  const json = Buffer.from(bodyOf(inputs));
  const headers = { "inference-header-content-length": length ?? String(json.length) };
  return one(answer, ROUTE, { body: Buffer.concat([json, tail]), headers });
}
function text(tail: Uint8Array, shape: readonly number[]): BadRequest {
  const json = bodyOf([{ name: "x", shape, datatype: "BYTES", parameters: { binary_data_size: tail.length } }]);
  const headers = { "inference-header-content-length": String(json.length) };
  return one(DATA, "/v2/models/text/infer", { body: Buffer.concat([Buffer.from(json), tail]), headers });
}
const lengthOf = (count: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(count);
  return bytes;
};

export const BINARIES: Cases = {
  "more bytes than declared": binary([sized(8)], Buffer.alloc(16), MALFORMED),
  "fewer bytes than declared": binary([sized(8)], Buffer.alloc(4), DATA),
  "a size that is not the shape's": binary([sized(4)], EIGHT, DATA),
  "a negative size": binary([sized(-8)], EIGHT, PARAMETER),
  "a size of 1e308": binary([sized(1e308)], EIGHT, PARAMETER),
  "a size of 2^53": binary([sized(2 ** 53)], EIGHT, PARAMETER),
  "half a byte": binary([sized(8.5)], EIGHT, PARAMETER),
  "a size in quotes": binary([sized("8")], EIGHT, PARAMETER),
  "two inputs over the same bytes": binary([sized(8), sized(8, { name: "z" })], EIGHT, DATA),
  "data in both places": one(MALFORMED, ROUTE, { body: bodyOf([sized(8, { data: [1, 2] })]) }),
  "a JSON length over the body's": binary([sized(8)], EIGHT, MALFORMED, "99999"),
  "a negative JSON length": binary([sized(8)], EIGHT, MALFORMED, "-1"),
  "a JSON length of 21 digits": binary([sized(8)], EIGHT, MALFORMED, "9".repeat(21)),
  "a JSON length in hexadecimal": binary([sized(8)], EIGHT, MALFORMED, "0x10"),
  "no JSON length": binary([sized(8)], EIGHT, MALFORMED, ""),
  "a JSON length within the JSON": binary([sized(8)], EIGHT, MALFORMED, "20"),
  "raw bytes that are no whole row": one(DATA, ROUTE, {
    body: EIGHT.subarray(1),
    headers: { "inference-header-content-length": "0" },
  }),
  "a string longer than all": text(Buffer.concat([lengthOf(2 ** 32 - 1), Buffer.from("a")]), [1]),
  "a string longer than what is left": text(Buffer.concat([lengthOf(2), Buffer.from("a")]), [1]),
  "bytes after the strings": text(Buffer.concat([lengthOf(1), Buffer.from("ab")]), [1]),
  "a string that is no UTF-8": text(Buffer.concat([lengthOf(2), Buffer.of(0xff, 0xfe)]), [1]),
  "a billion strings in four bytes": text(lengthOf(0), [1e9]),
};

const TOO_LARGE = "413 REQUEST_TOO_LARGE";
const coded = (body: Uint8Array | string, coding: string, answer: string) =>
  one(answer, ROUTE, { body, headers: { "content-encoding": coding } });
/** For a limit on bodies of 4 MiB. */
export const COMPRESSED: Cases = {
  "a gzip bomb": coded(gzipSync(Buffer.alloc(2 ** 26)), "gzip", TOO_LARGE),
  "a deflate bomb": coded(deflateSync(Buffer.alloc(2 ** 26)), "deflate", TOO_LARGE),
  "gzip within gzip": coded(gzipSync(gzipSync(SOUND)), "gzip", MALFORMED),
  "gzip cut short": coded(gzipSync(SOUND).subarray(0, 20), "gzip", MALFORMED),
  "no gzip": coded(SOUND, "gzip", MALFORMED),
  "an empty gzip": coded("", "gzip", MALFORMED),
  "gzip and more": coded(Buffer.concat([gzipSync(SOUND), Buffer.from("junk")]), "gzip", MALFORMED),
  "a coding there is not": coded(SOUND, "br", "415 CONTENT_ENCODING_UNSUPPORTED"),
};

const HEAD = `POST ${ROUTE} HTTP/1.1\r\nHost: a\r\n`;
const get = (target: string, answer: string, more = "") =>
  raw(`GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`, answer);
/** For a limit on heads of 16 KiB and on bodies of 4 MiB. */
export const HEADS: Cases = {
  garbage: raw("\0\x01\x02garbage\r\n\r\n", MALFORMED),
  TLS: raw(Buffer.from("16030100c8010000c40303", "hex"), MALFORMED),
  "HTTP/2": raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", MALFORMED),
  "a method there is not": raw("FROB /v2 HTTP/1.1\r\nHost: a\r\n\r\n", MALFORMED),
  "a tunnel": raw("CONNECT elsewhere:443 HTTP/1.1\r\nHost: a\r\n\r\n", "405 METHOD_NOT_ALLOWED"),
  "another method": raw(`OPTIONS ${ROUTE} HTTP/1.1\r\nHost: a\r\n\r\n`, "405 METHOD_NOT_ALLOWED"),
  "no Host": raw("GET /v2 HTTP/1.1\r\n\r\n", MALFORMED),
  "a folded header": get("/v2", MALFORMED, "X: a\r\n b\r\n"),
  "a NUL in a header": get("/v2", MALFORMED, "X: a\0b\r\n"),
  "a space before the colon": raw("GET /v2 HTTP/1.1\r\nHost : a\r\n\r\n", MALFORMED),
  "lines ended as on Unix": raw("GET /v2 HTTP/1.1\nHost: a\n\n", MALFORMED),
  "a header of 100 000 characters": get("/v2", "431 REQUEST_TOO_LARGE", `X: ${"a".repeat(1e5)}\r\n`),
  "3000 headers": get("/v2", "431 REQUEST_TOO_LARGE", "X: a\r\n".repeat(3000)),
  "an expectation nobody knows": raw(`${HEAD}Expect: magic\r\nContent-Length: 2\r\n\r\n{}`, "417 REQUEST_MALFORMED"),
  "both lengths": raw(
    `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v2 HTTP/1.1\r\nHost: a\r\n\r\n`,
    MALFORMED,
  ),
  "two lengths": raw(`${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{}`, MALFORMED),
  "a negative length": raw(`${HEAD}Content-Length: -1\r\n\r\n{}`, MALFORMED),
  "a length in hexadecimal": raw(`${HEAD}Content-Length: 0x10\r\n\r\n{}`, MALFORMED),
  "a length of 21 digits": raw(`${HEAD}Content-Length: 1${"0".repeat(20)}\r\n\r\n{}`, MALFORMED),
  "a length over the limit": raw(`${HEAD}Content-Length: 5000000\r\n\r\n{}`, TOO_LARGE),
  "a length that cuts the body": raw(`${HEAD}Content-Length: 5\r\n\r\n${SOUND}`, MALFORMED, MALFORMED),
  "two transfer encodings": raw(
    `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    MALFORMED,
  ),
  "a negative chunk": raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n`, MALFORMED),
  "a chunk of 2^68": raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${"F".repeat(17)}\r\nabc`, MALFORMED),
  "a chunk without a size": raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`, MALFORMED),
  "a request and garbage after it": raw(
    Buffer.concat([requestBytes(ROUTE, { body: SOUND }), Buffer.from("garbage\r\n\r\n")]),
    "200",
    MALFORMED,
  ),
  "another server's address without a route": get("http://elsewhere.example/v3", "404 ROUTE_NOT_FOUND"),
  "a path upwards": get("/v2/models/../../../etc/passwd", "404 ENDPOINT_NOT_FOUND"),
  "a path upwards in escapes": get("/v2/models/..%2f..%2fetc%2fpasswd", "404 ENDPOINT_NOT_FOUND"),
  "escapes of escapes": get("/v2/models/%252e%252e", "404 ENDPOINT_NOT_FOUND"),
  "a broken escape": get("/v2/models/%ZZ", MALFORMED),
  "an escaped NUL": get("/v2/models/scale%00", "404 ENDPOINT_NOT_FOUND"),
  "escapes that are no UTF-8": get("/v2/models/%ff%fe", MALFORMED),
  "a path of 10 000 characters": get(`/v2/models/${"a".repeat(10_000)}`, "404 ENDPOINT_NOT_FOUND"),
  "a path of 5000 parts": get(`/v2${"/a".repeat(5000)}`, "404 ROUTE_NOT_FOUND"),
  "the endpoint __proto__": get("/v2/models/__proto__", "404 ENDPOINT_NOT_FOUND"),
  "the endpoint constructor": get("/v2/models/constructor", "404 ENDPOINT_NOT_FOUND"),
  "version -1": get("/v2/models/scale/versions/-1", "404 ROUTE_NOT_FOUND"),
  "version 01": get("/v2/models/scale/versions/01", "404 VERSION_NOT_SERVED"),
  "a load": one("403 CONTROL_REFUSED", "/v2/repository/models/scale/load"),
  "an unload": one("403 CONTROL_REFUSED", "/v2/repository/models/scale/unload"),
  "the administration": get("/api/status", "404 ROUTE_NOT_FOUND"),
  "a negative time": one(PARAMETER, ROUTE, { body: SOUND, headers: { "slipway-timeout-ms": "-5" } }),
  "a time that is no number": one(PARAMETER, ROUTE, { body: SOUND, headers: { "slipway-timeout-ms": "soon" } }),
  "a purpose that is none": one(PARAMETER, ROUTE, { body: SOUND, headers: { "slipway-purpose": "a b" } }),
};

const RECORD = "400 RECORD_INVALID";
const instances = (value: unknown) => JSON.stringify({ instances: value });
/** For an endpoint that takes images. */
export const IMAGES: Cases = {
  ...posted(
    {
      "no instances": ["{}", MALFORMED],
      "instances of none": [instances([]), RECORD],
      "instances that are none": [instances({}), MALFORMED],
      "null for an image": [instances([null]), RECORD],
      "a number for an image": [instances([5]), RECORD],
      "a list that is no picture": [instances([[1, 2, 3]]), RECORD],
      "4097 instances": [instances(Array.from({ length: 4097 }, () => 1)), RECORD],
      "junk for base64": [instances([{ b64: "!!!!" }]), RECORD],
      "base64 of no image": [instances([{ b64: "aGVsbG8=" }]), RECORD],
      "base64 of nothing": [instances([{ b64: "" }]), RECORD],
      "a number for base64": [instances([{ b64: 5 }]), RECORD],
      "what is no JSON": ["<a/>", MALFORMED],
    },
    "/v2/models/digits/predict",
  ),
  ...Object.fromEntries(
    Object.entries({
      "no image at all": ["image/png", "hello"],
      "an empty image": ["image/png", ""],
      "a picture that refers to files": [
        "image/svg+xml",
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>',
      ],
    } as const).map(([name, [type, body]]) => [
      name,
      one(RECORD, "/v2/models/digits/predict", { body, headers: { "content-type": type } }),
    ]),
  ),
};

/** For an endpoint without processing. */
export const INSTANCES: Cases = posted(
  {
    "a row too short": [instances([[1, 2], [3]]), RECORD],
    "a text for a number": [instances([["a", 1]]), RECORD],
    "an unknown input": [instances([{ z: [1, 2] }]), RECORD],
    "the input __proto__": ['{"instances":[{"__proto__":[1,2]}]}', RECORD],
    "a row 60 deep": [`{"instances":[${"[".repeat(60)}1${"]".repeat(60)}]}`, RECORD],
    "a body 100 000 deep": [`{"instances":${"[".repeat(1e5)}`, MALFORMED],
  },
  "/v2/models/scale/predict",
);
