// What a pass is: a model to the same model in other words, with what it asks for and what it promises.
import type { Model } from "#graph";
import type { Evaluate } from "./fold-constants.ts";
import type { ModelProperty } from "./properties.ts";
import type { ValueTypes } from "./value-types.ts";

/** What passes may ask of an engine. */
export interface PassEngine {
  readonly evaluate: Evaluate;
  /** What can be told of the types of a model's values. */
  typesOf(model: Model): Promise<ValueTypes>;
}

export interface Pass {
  /** In kebab-case, as the command line has it. */
  readonly name: string;
  /** What must hold of a model it is given. */
  readonly requires: readonly ModelProperty[];
  /** What it does, in one sentence for people. */
  readonly does: string;
  /** What holds of a model it has answered. */
  readonly ensures: readonly ModelProperty[];
  /**
   * The model in other words: the same object where there was nothing to do.
   * @throws SlipwayError for a model it can't be applied to
   */
  readonly run: (model: Model, engine: PassEngine) => Model | Promise<Model>;
  /** Why it has left a model as it is, for people; null, or left out, where there was nothing to do. */
  readonly idleReason?: (model: Model) => string | null;
}
