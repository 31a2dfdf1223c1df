// Backups of a data directory in use, and restoring them: the database at one moment with the blobs it refers to.
export { type BackupReport, Backups } from "./backups.ts";
export type { BackupPorts } from "./create.ts";
export { type Restored, restoreBackup, type RestoreOptions } from "./restore.ts";
