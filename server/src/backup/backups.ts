// The backup that is being made, or was made last: one at a time, watched and cancelled from wherever it was asked for.
import path from "node:path";
import { SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { type BackupPorts, type BackupProgress, NO_PROGRESS, openBackupTarget, writeBackup } from "./create.ts";
import type { BackupTarget } from "./target.ts";

export interface BackupReport extends BackupProgress {
  readonly state: "running" | "done" | "failed" | "cancelled";
  readonly to: string;
  /** In milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Null while it runs. */
  readonly endedAt: number | null;
  /** Why it failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export class Backups {
  readonly #ports: BackupPorts;
  #report: BackupReport | null = null;
  #work: Promise<void> | null = null;
  #controller = new AbortController();
  #isClosed = false;

  constructor(ports: BackupPorts) {
    this.#ports = ports;
  }

  /** The newest backup of this process; null where there was none. */
  get report(): BackupReport | null {
    return this.#report;
  }

  /**
   * Begins a backup; answers once its place is found fit.
   * @param to see `TargetOptions`
   * @throws SlipwayError STATE_CONFLICT while another is made, BACKUP_TARGET_INVALID, DISK_FULL, SHUTTING_DOWN
   */
  async start(to: string): Promise<BackupReport> {
    if (!path.isAbsolute(to))
      throw new SlipwayError("REQUEST_MALFORMED", `The backup's place "${to}" is not an absolute path.`);
    if (this.#isClosed) throw new SlipwayError("SHUTTING_DOWN", "The server is stopping; no backup is begun.");
    if (this.#work !== null)
      throw new SlipwayError(
        "STATE_CONFLICT",
        `A backup to "${this.#report?.to ?? to}" is being made. Wait for it, or cancel it.`,
      );
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#work = ended;
    this.#controller = new AbortController();
    try {
      const target = await openBackupTarget(this.#ports, to);
      const startedAt = this.#ports.clock.wall();
      this.#report = { ...NO_PROGRESS, state: "running", to, startedAt, endedAt: null, error: null };
      void this.#run(target).then(end);
      return this.#report;
    } catch (error) {
      this.#work = null;
      end();
      throw error;
    }
  }

  /** Gives up the backup that is made, if one is, and answers once nothing of it is left. */
  async cancel(): Promise<BackupReport | null> {
    this.#controller.abort(new SlipwayError("INTERRUPTED", "The backup was cancelled; nothing is left of it."));
    await this.#work;
    return this.#report;
  }

  /** Begins no more, and gives up the one that is made. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.cancel();
  }

  /** Never rejects. */
  async #run(target: BackupTarget): Promise<void> {
    const { signal } = this.#controller;
    const { clock, log } = this.#ports;
    const to = this.#report?.to;
    const change = (changed: Partial<BackupReport>) => {
      this.#report = { ...this.#report!, ...changed };
    };
    try {
      await writeBackup(this.#ports, target, signal, change);
      change({ state: "done" });
    } catch (error) {
      const { code, message } = slipwayErrorFrom(error);
      change(code === "INTERRUPTED" ? { state: "cancelled" } : { state: "failed", error: { code, message } });
      if (code === "INTERNAL") log.error({ err: error, to }, "a backup broke");
    }
    change({ endedAt: clock.wall() });
    log.debug({ ...this.#report }, "a backup ended");
    this.#work = null;
  }
}
