// How large a model's files are, as they lie on the disk and as they are sent.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { amountText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { bars } from "./spec.ts";

const DETAILS = z.object({
  files: z.array(z.object({ name: z.string(), sizeBytes: z.number(), gzipBytes: z.number() })).min(1),
});

export function modelSize({ details, values }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  const parts = [
    ["files", values["file"]?.value],
    ["of these, weights", values["weights"]?.value],
    ["compressed (gzip)", values["gzip"]?.value],
  ].filter((part): part is [string, number] => typeof part[1] === "number");
  if (data === undefined || parts.length < 2) return { why: "the details have no files" };
  const whole = parts[0]![1];
  return {
    title: "Size",
    caption: "Bytes of the model's files, of the weights in them, and of the files compressed, as a transfer would.",
    description: parts
      .map(([name, bytes]) => `${name}: ${amountText(bytes, "B")}`)
      .join("; ")
      .concat("."),
    table: tableOf(
      [words("file"), numbers("bytes", "B"), numbers("compressed", "B")],
      data.files.map(({ name, sizeBytes, gzipBytes }) => [name, sizeBytes, gzipBytes]),
    ),
    spec: bars(
      parts.map(([name, bytes], index) => ({
        name,
        value: bytes,
        text: `${amountText(bytes, "B")}${index === 0 || whole === 0 ? "" : ` · ${shareText(bytes / whole)}`}`,
      })),
      "B",
    ),
    isWide: false,
  };
}
