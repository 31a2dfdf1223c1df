// A model as people read it: what it takes, what it gives, what it needs.
import type { ModelView, SignatureView } from "slipway/client";
import { columns, count, size } from "./text.ts";

const SHOWN_OPERATORS = 12;

/** What `inspect` shows of a model, registered or not. */
export type ModelFacts = Pick<
  ModelView,
  "sizeBytes" | "signature" | "irVersion" | "opsets" | "producer" | "parameterCount" | "operators" | "warnings"
> & { readonly hash: string | null };

export function modelText(model: ModelFacts): string {
  const facts = [
    ...(model.hash === null ? [] : [["hash", model.hash]]),
    ["size", size(model.sizeBytes)],
    ["parameters", count(model.parameterCount)],
    ["opset", model.opsets.map(({ domain, version }) => `${domain === "" ? "ai.onnx" : domain} ${version}`).join(", ")],
    ["IR version", String(model.irVersion)],
    ["producer", model.producer === "" ? "not stated" : model.producer],
    ["operators", operatorsText(model.operators)],
  ];
  const lines = [...columns(facts), "", ...signatureLines(model.signature)];
  if (model.warnings.length > 0) lines.push("", "Warnings:", ...model.warnings.map((warning) => `  ${warning}`));
  return lines.join("\n");
}

/** `input   image   float32[N, 1, 28, 28]` */
export function signatureLines(signature: SignatureView): string[] {
  return columns([
    ...signature.inputs.map((port) => [
      "input",
      port.name,
      `${port.type}${port.isOptional ? " (optional)" : ""}`,
      port.datatype ?? "",
    ]),
    ...signature.outputs.map((port) => ["output", port.name, port.type, port.datatype ?? ""]),
  ]);
}

function operatorsText(operators: ModelFacts["operators"]): string {
  if (operators.length === 0) return "none";
  const total = operators.reduce((sum, operator) => sum + operator.count, 0);
  const most = [...operators].sort((a, b) => b.count - a.count);
  const named = most.slice(0, SHOWN_OPERATORS).map(({ name, count: times }) => `${name} ${times}`);
  const rest = most.length - named.length;
  return `${total}: ${named.join(", ")}${rest > 0 ? ` and ${rest} more kinds` : ""}`;
}
