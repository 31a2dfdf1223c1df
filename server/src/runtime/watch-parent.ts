// Ends this process when its parent is gone, also while it computes or runs native code.
import { Worker } from "node:worker_threads";

const POLL_MS = 500;

/**
 * Watches from a thread of its own, since the work blocks this one.
 * @param removesDirectory takes the name of the empty directory this runs in away: a thread can only start in one that has
 *   a name. Where one in use can't be removed, whoever started this does it at the end.
 */
export function watchParent(parent: number, options: { readonly removesDirectory: boolean }): void {
  const source = `
    ${options.removesDirectory ? 'try { require("node:fs").rmdirSync(process.cwd()); } catch {}' : ""}
    setInterval(() => { if (process.ppid !== ${parent}) process.kill(process.pid, "SIGKILL"); }, ${POLL_MS});
  `;
  const watcher = new Worker(source, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } });
  watcher.once("error", () => process.exit(1));
  watcher.unref();
}
