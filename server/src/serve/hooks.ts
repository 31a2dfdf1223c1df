// Tells everyone who watches serving, in the order they were given.
import type { SlipwayError } from "@slipway/core/base";
import type { RequestContext } from "./context.ts";
import type { InferenceOutcome, ServeHooks, Variant, VariantStatus } from "./serving.ts";

export class HookList {
  readonly #admitted: readonly ServeHooks[];
  readonly #ended: readonly ServeHooks[];
  readonly #refused: readonly ServeHooks[];
  readonly #changed: readonly ServeHooks[];

  constructor(hooks: readonly ServeHooks[]) {
    this.#admitted = hooks.filter((hook) => hook.onAdmitted !== undefined);
    this.#ended = hooks.filter((hook) => hook.onEnded !== undefined);
    this.#refused = hooks.filter((hook) => hook.onRefused !== undefined);
    this.#changed = hooks.filter((hook) => hook.onVariantChanged !== undefined);
  }

  admitted(variant: Variant, context: RequestContext): void {
    for (const hook of this.#admitted) hook.onAdmitted!(variant, context);
  }

  ended(variant: Variant, context: RequestContext, outcome: InferenceOutcome, endedAt: number): void {
    for (const hook of this.#ended) hook.onEnded!(variant, context, outcome, endedAt);
  }

  refused(variant: Variant, context: RequestContext, error: SlipwayError): void {
    for (const hook of this.#refused) hook.onRefused!(variant, context, error);
  }

  changed(status: VariantStatus): void {
    for (const hook of this.#changed) hook.onVariantChanged!(status);
  }
}
