// `slipway gc`: stored bytes that nothing refers to.
import type { Command } from "../command.ts";
import { size, table } from "../text.ts";

export const gc: Command = {
  about:
    "Removes stored bytes that no version refers to, such as those of an import that was broken off. What any version, deployment or record names stays.",
  arguments: [],
  options: [{ flags: "--dry-run", description: "Only show what would be removed" }],
  examples: [
    { line: "slipway gc --dry-run", says: "what would go, and why" },
    { line: "slipway gc", says: "remove it" },
  ],
  run: async (context) => {
    const { client } = await context.connect();
    const found = await client.collectGarbage({ body: { isDryRun: context.options["dryRun"] === true } });
    context.answer(found, () => {
      if (found.items.length === 0) return "Nothing to remove.";
      const rows = found.items.map((item) => [item.what, size(item.sizeBytes), item.reason]);
      const verb = found.isDryRun ? "Would remove" : "Removed";
      return [...table(["what", "size", "why"], rows, "lrl"), "", `${verb} ${size(found.sizeBytes)}.`].join("\n");
    });
  },
};
