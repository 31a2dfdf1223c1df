import { expect, test } from "vitest";
import { modelReference, versionReference } from "./model-reference.ts";
import { nameFromPath } from "./model-files.ts";
import { givenInput } from "./infer-inputs.ts";

test.each([
  ["model.onnx", { kind: "path", path: "model.onnx" }],
  ["./digits", { kind: "path", path: "./digits" }],
  [".", { kind: "path", path: "." }],
  ["digits", { kind: "version", name: "digits", number: null }],
  ["digits@12", { kind: "version", name: "digits", number: 12 }],
  ["digits.v2@1", { kind: "version", name: "digits.v2", number: 1 }],
  ["a".repeat(64), { kind: "hash", hash: "a".repeat(64) }],
])("%s", (text, reference) => expect(modelReference(text)).toEqual(reference));

test.each(["digits@0", "digits@", "digits@x", "@1", "", "two words", "digits@1@2"])("%j names nothing", (text) => {
  expect(() => modelReference(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("where a path makes no sense it is refused", () => {
  expect(() => versionReference("./digits")).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test.each([
  ["/a/resnet50.onnx", "resnet50"],
  ["/a/digits/model.onnx", "digits"],
  ["/a/my model (2).onnx", "my-model-2-"],
  ["/.onnx", "model"],
])("a name from %s is %s", (file, name) => expect(nameFromPath(file)).toBe(name));

test("an input is a file, or a name with one", () => {
  expect(givenInput("x=a.npy")).toEqual({ name: "x", text: "a.npy" });
  expect(givenInput("a=b/c.npy")).toEqual({ name: "a", text: "b/c.npy" });
  expect(givenInput("dir/a=b.npy")).toEqual({ name: null, text: "dir/a=b.npy" });
  expect(givenInput("x=[[1, 2]]")).toEqual({ name: "x", text: "[[1, 2]]" });
});
