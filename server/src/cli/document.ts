// docs/cli.md, made from the commands themselves. A test holds the document against it.
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { EXITS } from "./exit-codes.ts";
import { commandHelpText } from "./program.ts";

const WIDTH = 100;

/** The table of exit codes, in Markdown. */
export function exitCodesDocument(): string {
  const rows = Object.values(EXITS).map(({ code, when }) => `| ${code} | ${when} |`);
  return ["| code | when |", "|---|---|", ...rows].join("\n");
}

/** Every command with its help, in Markdown. */
export async function commandsDocument(): Promise<string> {
  const parts: string[] = [];
  for (const { name, summary, load } of COMMANDS) {
    const command: Command = await load();
    parts.push(
      `### slipway ${name}\n\n${summary}.\n\n\`\`\`text\n${commandHelpText(name, command, WIDTH).trimEnd()}\n\`\`\``,
    );
  }
  return parts.join("\n\n");
}
