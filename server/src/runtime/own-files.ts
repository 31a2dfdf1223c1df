// What a process may read as the user it is, without being let through as root: for a child that gives root's privileges
// up and still has to read its files.
import { realpathSync, statSync } from "node:fs";
import path from "node:path";

const READ = 4;
const PASS = 1;

/** Whether this user may read a file and pass every directory on the way, going by their owners and modes alone. */
export function isOwnToRead(file: string): boolean {
  try {
    const real = realpathSync(file);
    if (!permits(real, READ)) return false;
    let folder = path.dirname(real);
    for (; path.dirname(folder) !== folder; folder = path.dirname(folder)) if (!permits(folder, PASS)) return false;
    return permits(folder, PASS);
  } catch {
    return true; // It is not there, which whoever reads it will say.
  }
}

function permits(file: string, bit: number): boolean {
  const { mode, uid, gid } = statSync(file);
  if (uid === process.geteuid!()) return (mode & (bit << 6)) !== 0;
  const isInGroup = gid === process.getegid!() || process.getgroups!().includes(gid);
  return (mode & (isInGroup ? bit << 3 : bit)) !== 0;
}
