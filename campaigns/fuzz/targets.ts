// The targets there are.
import type { FuzzTarget } from "./target.ts";
import { runnerFramesTarget, serverFramesTarget } from "./targets/frames.ts";
import { graphTarget } from "./targets/graph.ts";
import { httpTarget } from "./targets/http.ts";
import { jsonTarget } from "./targets/json.ts";
import { onnxTarget } from "./targets/onnx.ts";
import { requestTarget } from "./targets/request.ts";

export const TARGETS: readonly FuzzTarget[] = [
  jsonTarget,
  requestTarget,
  onnxTarget,
  graphTarget,
  serverFramesTarget,
  runnerFramesTarget,
  httpTarget,
];

/** @throws Error where there is none of this name */
export function targetNamed(name: string): FuzzTarget {
  const target = TARGETS.find((one) => one.name === name);
  if (target !== undefined) return target;
  throw new Error(`There is no target "${name}"; there are ${TARGETS.map((one) => one.name).join(", ")}.`);
}
