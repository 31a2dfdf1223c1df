import { describe, expect, it } from "vitest";
import { openInferenceProblems } from "./open-inference.testing.ts";

const INFER = "/v2/models/m/infer";
const OUTPUT = { name: "y", shape: [1, 2], datatype: "FP32", data: [1, 2.5] };
const answerOf = (...outputs: object[]) => ({
  model_name: "m",
  model_version: "1",
  parameters: { inference_id: "a" },
  outputs,
});

const problemsOf = (target: string, json: unknown, status = 200, headers: Record<string, string> = {}, more = "") =>
  openInferenceProblems({
    method: "GET",
    target,
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from((typeof json === "string" ? json : JSON.stringify(json)) + more),
  });

// The listener's own answers are held against the document by the tests that ask for them; here the yardstick is tried.
describe("an answer holds against the Open Inference Protocol's document", () => {
  const head = JSON.stringify(answerOf({ ...OUTPUT, data: undefined, parameters: { binary_data_size: 3 } }));
  const binary = {
    "content-type": "application/octet-stream",
    "inference-header-content-length": String(head.length),
  };
  it.each<[string, string[]]>([
    ["a server's metadata", problemsOf("/v2", { name: "a", version: "1", extensions: ["statistics"] })],
    ["tensors", problemsOf(INFER, answerOf(OUTPUT, { ...OUTPUT, data: [[true], ["a"]] }))],
    ["bare NaN and infinities", problemsOf(INFER, JSON.stringify(answerOf(OUTPUT)).replace("1,2.5", "NaN,-Infinity"))],
    ["binary tensors", problemsOf(INFER, head, 200, binary, "abc")],
    ["an error", problemsOf(INFER, { error: "It is full.", code: "QUEUE_FULL" }, 503)],
    ["an extension the document is silent on", problemsOf("/v2/models/stats", { anything: 1 })],
  ])("with %s", (_what, problems) => expect(problems).toEqual([]));

  it.each<[string, string[]]>([
    ["a number for the version", problemsOf(INFER, { ...answerOf(OUTPUT), model_version: 1 })],
    ["a key nobody knows", problemsOf(INFER, { ...answerOf(OUTPUT), extra: 1 })],
    ["no outputs", problemsOf(INFER, { ...answerOf(), outputs: undefined })],
    ["neither data nor bytes", problemsOf(INFER, answerOf({ ...OUTPUT, data: undefined }))],
    ["null among the data", problemsOf(INFER, answerOf({ ...OUTPUT, data: [null] }))],
    ["a shape of text", problemsOf(INFER, answerOf({ ...OUTPUT, shape: ["1"] }))],
    ["a byte too many", problemsOf(INFER, head, 200, binary, "abcd")],
    ["a variable axis in an answer", problemsOf(INFER, answerOf({ ...OUTPUT, shape: [-1, 2] }))],
    ["an error without text", problemsOf(INFER, { code: "QUEUE_FULL" }, 503)],
    ["an error as plain text", problemsOf(INFER, { error: "It is full." }, 503, { "content-type": "text/plain" })],
    ["an extension that is not there", problemsOf("/v2", { name: "a", version: "1", extensions: ["trace"] })],
  ])("and not with %s", (_what, problems) => expect(problems).not.toEqual([]));
});
