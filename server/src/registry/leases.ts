// Who is using a blob that no version refers to yet. An import holds what it works on; garbage collection takes away
// only what nobody holds, and whoever comes while it does so waits.

export class BlobLeases {
  readonly #holders = new Map<string, number>();
  readonly #collecting = new Map<string, Promise<unknown>>();
  /** Who holds every blob there is. */
  #keepers = 0;

  /** Keeps a blob from being collected until the answered function is called. It may not be stored yet. */
  async hold(hash: string): Promise<() => void> {
    for (;;) {
      const collecting = this.#collecting.get(hash);
      if (collecting === undefined) break;
      await collecting.catch(() => {});
    }
    this.#holders.set(hash, (this.#holders.get(hash) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const others = (this.#holders.get(hash) ?? 1) - 1;
      if (others === 0) this.#holders.delete(hash);
      else this.#holders.set(hash, others);
    };
  }

  /** Keeps all blobs from being collected until the answered function is called. */
  async holdAll(): Promise<() => void> {
    this.#keepers++;
    await Promise.allSettled(this.#collecting.values());
    let isHeld = true;
    return () => {
      if (isHeld) this.#keepers--;
      isHeld = false;
    };
  }

  /** Runs `collect` while nobody can hold the blob. Answers false, without running it, where somebody does. */
  async collect(hash: string, collect: () => Promise<boolean>): Promise<boolean> {
    if (this.isHeld(hash) || this.#collecting.has(hash)) return false;
    const collecting = collect();
    this.#collecting.set(hash, collecting);
    try {
      return await collecting;
    } finally {
      this.#collecting.delete(hash);
    }
  }

  isHeld(hash: string): boolean {
    return this.#keepers > 0 || this.#holders.has(hash);
  }
}

/** What one task holds, given back together. */
export class HeldBlobs implements Disposable {
  readonly #leases: BlobLeases;
  readonly #releases: (() => void)[] = [];

  constructor(leases: BlobLeases) {
    this.#leases = leases;
  }

  async hold(hash: string): Promise<void> {
    this.#releases.push(await this.#leases.hold(hash));
  }

  [Symbol.dispose](): void {
    for (const release of this.#releases.splice(0)) release();
  }
}
