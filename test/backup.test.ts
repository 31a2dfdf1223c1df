// Backups of a real server under load; the long form is in the slow suite.
import { expect, test } from "vitest";
import { removeDirectory, temporaryDirectory } from "./platform.ts";
import { backUpUnderLoad } from "./support/backup-load.ts";

test("under load, a backup has all that was acknowledged before it, nothing half, and fails no request", async () => {
  const directory = temporaryDirectory();
  try {
    const { failures, answers, changes, seed } = await backUpUnderLoad(directory, 2);
    expect(failures, `seed ${seed}`).toEqual([]);
    expect(answers, `seed ${seed}`).toBeGreaterThan(100);
    expect(changes, `seed ${seed}`).toBeGreaterThan(0);
  } finally {
    removeDirectory(directory);
  }
}, 120_000);
