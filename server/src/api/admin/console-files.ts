// The console's built files, read once and served from memory. Any other path answers the page itself: the console keeps
// its state in the address bar.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export interface ConsoleFile {
  readonly type: string;
  readonly body: Buffer;
  /** Files with a hash in their name never change. */
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

/** The files below `directory` by address; empty where the console was not built. */
export function readConsole(directory: string): ReadonlyMap<string, ConsoleFile> {
  const files = new Map<string, ConsoleFile>();
  let entries;
  try {
    entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch {
    return files;
  }
  for (const entry of entries) {
    const type = TYPES[path.extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    const address = `/${path.relative(directory, file).replaceAll(path.sep, "/")}`;
    files.set(address, { type, body: readFileSync(file), isImmutable: address.startsWith("/assets/") });
  }
  return files;
}
