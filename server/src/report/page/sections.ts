// What a version is, where it comes from, and what nobody measured of it.
import { amountText, momentText, numberText } from "../numbers.ts";
import type { Report } from "../report.ts";
import { html, Markup } from "./html.ts";
import { dataTable, facts, listOf } from "./parts.ts";

const MOST_OPERATORS = 40;

export function modelSection({ model, processing, subject }: Report): Markup {
  const { signature, opsets, producer, parameterCount, operators, files, warnings } = model;
  const most = operators.toSorted((one, other) => other.count - one.count);
  const rest = most.length - MOST_OPERATORS;
  const ports = [
    ...signature.inputs.map((port) => ["input", port] as const),
    ...signature.outputs.map((port) => ["output", port] as const),
  ];
  return html`${facts([
    ["Hash", html`<code>${model.hash}</code>`],
    ["Files", html`${files.map(({ path, sizeBytes }) => `${path}, ${amountText(sizeBytes, "B")}`).join("; ")}`],
    ["Parameters", numberText(parameterCount)],
    [
      "Operator sets",
      opsets.map(({ domain, version }) => `${domain === "" ? "ai.onnx" : domain} ${version}`).join(", "),
    ],
    ["Made by", producer === "" ? "not stated" : producer],
    [
      "Operators",
      `${most
        .slice(0, MOST_OPERATORS)
        .map(({ name, count }) => `${name} ${count}`)
        .join(", ")}${rest > 0 ? ` and ${rest} more kinds` : ""}`,
    ],
    ["Source", subject.source],
    ["Registered", momentText(subject.createdAt)],
    ...(warnings.length === 0 ? [] : [["Warnings", listOf([...warnings], "")] as const]),
  ])}<h3>Signature</h3>${dataTable(
    "Inputs and outputs",
    [{ name: "Name", isHead: true }, { name: "Direction" }, { name: "Type" }],
    ports.map(([direction, { name, type, isOptional }]) => [
      name,
      isOptional ? `${direction}, optional` : direction,
      html`<code>${type}</code>`,
    ]),
  )}<h3>Processing</h3>${
    processing.before.length + processing.after.length === 0
      ? html`<p>None is declared: callers send and get the model's own tensors.</p>`
      : facts([
          ["Before the model", listOf([...processing.before], "nothing")],
          ["After it", listOf([...processing.after], "nothing")],
        ])
  }`;
}

export function unmeasuredSection({ unmeasured }: Report): Markup {
  if (unmeasured.length === 0) return html`<p>Everything Slipway can measure was measured.</p>`;
  return dataTable(
    "Measurements nobody made",
    [{ name: "What", isHead: true }, { name: "What it says" }, { name: "Command that finds it" }],
    unmeasured.map(({ kind, about, command }) => [kind, about, html`<code>${command}</code>`]),
  );
}

export function lineageSection({ lineage }: Report, svg: string): Markup {
  const labels = new Map(lineage.nodes.map(({ id, label }) => [id, label]));
  const picture = svg.replace(
    /^<svg/,
    '<svg role="img" aria-label="Lineage, from left to right; the table below has the same"',
  );
  const rows = lineage.edges.map(({ from, to, kind }) => [labels.get(from)!, kind, labels.get(to)!]);
  const omitted =
    lineage.omittedNodes === 0
      ? null
      : html`<p class="small quiet">${lineage.omittedNodes} more are left out here.</p>`;
  return html`<figure><div class="scroll" role="region" tabindex="0" aria-label="Lineage, picture">${new Markup(picture)}</div>${omitted}<details><summary>The same as a table</summary>${dataTable(
    "Lineage",
    [{ name: "From", isHead: true }, { name: "How" }, { name: "To" }],
    rows,
  )}</details></figure>`;
}
