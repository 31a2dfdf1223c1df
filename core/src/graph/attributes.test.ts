import { describe, expect, it } from "vitest";
import {
  attributeFrom,
  attributeOf,
  attributeValue,
  createGraph,
  createNode,
  describeNode,
  float,
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  stringOf,
  stringsOf,
} from "./index.ts";

const node = createNode({
  opType: "Any",
  outputs: ["", "y"],
  attributes: [
    attributeFrom("axis", -1),
    attributeFrom("alpha", 0.25),
    attributeFrom("mode", "nearest"),
    attributeFrom("pads", [0, 1]),
    attributeFrom("scales", float([1, 2])),
    attributeFrom("keys", ["a", "b"]),
    attributeFrom("ends", [2n ** 63n - 1n]),
    attributeFrom("body", createGraph({ name: "b" })),
  ],
});

describe("attributes", () => {
  it("are read in the form asked for", () => {
    expect(intOf(node, "axis", 0)).toBe(-1);
    expect(floatOf(node, "alpha", 1)).toBe(0.25);
    expect(stringOf(node, "mode", undefined)).toBe("nearest");
    expect(intsOf(node, "pads", undefined)).toEqual([0, 1]);
    expect(floatsOf(node, "scales", undefined)).toEqual([1, 2]);
    expect(stringsOf(node, "keys", undefined)).toEqual(["a", "b"]);
    expect(intsOf(node, "ends", undefined)).toEqual([2 ** 63]);
    expect(attributeValue(node, "body", "graph")?.name).toBe("b");
    expect(attributeOf(node, "nothing")).toBeUndefined();
  });

  it("fall back where they are absent", () => {
    expect(intOf(node, "keepdims", 1)).toBe(1);
    expect(intOf(node, "keepdims", undefined)).toBeUndefined();
    expect(stringsOf(node, "texts", [])).toEqual([]);
  });

  it("of another kind are refused, with the node named", () => {
    expect(() => floatOf(node, "axis", 1)).toThrow(
      "Attribute 'axis' of the Any node that makes 'y' is of kind int; float is needed.",
    );
  });
});

it("nodes are named by name, else by what they make", () => {
  expect(describeNode(createNode({ opType: "Add", name: "sum" }))).toBe("Add node 'sum'");
  expect(describeNode(createNode({ opType: "Gelu", domain: "com.microsoft", outputs: ["y"] }))).toBe(
    "the com.microsoft.Gelu node that makes 'y'",
  );
  expect(describeNode(createNode({ opType: "Add" }))).toBe("an unnamed Add node");
});
