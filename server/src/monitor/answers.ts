// Every answer of the inference listener by route and code, also those that never reached a queue: malformed bodies,
// unknown names, closed connections. What the traffic book can't see.

export interface AnswerCount {
  readonly route: string;
  /** The error's code; OK for a good answer. */
  readonly code: string;
  readonly status: number;
  count: number;
}

export class AnswerBook {
  readonly #byRoute = new Map<string, Map<string, AnswerCount>>();

  /** Counts an answer; cheap enough for the request path. */
  readonly count = (route: string, status: number, code: string | null): void => {
    this.add(route, status, code ?? "OK", 1);
  };

  add(route: string, status: number, code: string, count: number): void {
    let byCode = this.#byRoute.get(route);
    if (byCode === undefined) this.#byRoute.set(route, (byCode = new Map()));
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, { route, code, status, count });
    else known.count += count;
  }

  *all(): Generator<AnswerCount> {
    for (const byCode of this.#byRoute.values()) yield* byCode.values();
  }
}
