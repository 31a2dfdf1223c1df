// Has links looked at in the midst of a long turn of the event loop. In a flood one turn takes in thousands of requests, for
// as long as seconds; what runners answered since, and what they are to do, would wait for its end, too late for both. So
// whoever makes turns long looks here.
import type { Clock } from "@slipway/core/base";
import type { LinkSocket } from "./link-socket.ts";

/** A turn may take this long before links are looked at within it, and again after as long. */
const LOOK_EVERY_MS = 1;

export class LongTurns {
  readonly #clock: Clock;
  readonly #links = new Set<LinkSocket>();
  /** When this turn began, or links were last looked at in it; null between turns. */
  #lookedAt: number | null = null;
  #isLooking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers how to forget a link, which must be done when it closes. */
  add(link: LinkSocket): () => void {
    this.#links.add(link);
    return () => this.#links.delete(link);
  }

  /** Called with each of the things a turn may have thousands of. */
  look(now: number): void {
    if (this.#lookedAt === null) {
      this.#lookedAt = now;
      this.#clock.soon(this.#ended);
    } else if (now - this.#lookedAt >= LOOK_EVERY_MS && !this.#isLooking) {
      // What comes of an answer may look again; links share the memory they are read into.
      this.#isLooking = true;
      for (const link of this.#links) link.look();
      this.#isLooking = false;
      this.#lookedAt = this.#clock.now();
    }
  }

  readonly #ended = (): void => {
    this.#lookedAt = null;
  };
}
