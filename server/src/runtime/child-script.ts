// Where a child process begins: a script beside the one that starts it, as a source or compiled, as that one is.
import { fileURLToPath } from "node:url";

/**
 * What Node is given to run a script, its flags first.
 * @param beside the caller's `import.meta.url`
 * @param name the script's file without its ending, such as "runner-main"
 */
export function childScript(beside: string, name: string): readonly string[] {
  const isSource = beside.endsWith(".ts");
  const file = fileURLToPath(new URL(`./${name}.${isSource ? "ts" : "js"}`, beside));
  return isSource ? ["--conditions=source", file] : [file];
}
