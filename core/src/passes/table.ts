// All passes by name, as the command line offers them, and what can be set of them.
import { nearestWords, SlipwayError } from "#base";
import { definedNames } from "#graph";
import { annotateShapesPass } from "./annotate-shapes.ts";
import { type BatchOptions, symboliseBatchPass } from "./batch/index.ts";
import { commonSubexpressionsPass } from "./common-subexpressions.ts";
import { constantsToInitializersPass } from "./constants-to-initializers.ts";
import { deadCodePass } from "./dead-code.ts";
import { foldConstantsPass } from "./fold-constants.ts";
import { foldShapesPass } from "./fold-shapes.ts";
import { identitiesAndTransposesPass } from "./identities-and-transposes.ts";
import { decomposeCompositesPass } from "./decompose-composites.ts";
import { fuseConvolutionsPass } from "./fuse-convolutions.ts";
import { fuseProductsPass } from "./fuse-products.ts";
import { inlineFunctionsPass } from "./inline-functions.ts";
import type { Pass } from "./pass.ts";
import { poolsBeforeActivationsPass } from "./pools-before-activations.ts";
import { pinShapesPass } from "./pin-shapes.ts";
import { sliceSplitSequencesPass } from "./slice-split-sequences.ts";
import { tileRowsPass } from "./tile-rows.ts";
import { unrollRecurrentPass } from "./unroll-recurrent.ts";
import { untieCopiesPass } from "./untie-copies.ts";
import { LATEST_UPGRADED_OPSET, upgradeOpsetPass } from "./upgrade-opset.ts";

/** What passes can be told; what is left out is as their documentation says. */
export interface PassSettings {
  /** upgrade-opset: the version of the ONNX operator set to write the model for; 21 unless said. */
  readonly opset?: number;
  /** fold-constants: stored tensors that may change, so that what depends on them stays computed. */
  readonly kept?: readonly string[];
  /** pin-shapes: lengths of open axes, by their name or as `INPUT:AXIS`. */
  readonly lengths?: Readonly<Record<string, number>>;
  /** symbolise-batch: the name of the axis, and where it is in the inputs. */
  readonly batch?: BatchOptions;
}

/** Which pass a setting is for. */
const SETTING_OWNERS: Readonly<Record<keyof PassSettings, string>> = {
  opset: "upgrade-opset",
  kept: "fold-constants",
  lengths: "pin-shapes",
  batch: "symbolise-batch",
};

function allWith(settings: PassSettings): readonly Pass[] {
  return [
    inlineFunctionsPass,
    upgradeOpsetPass(settings.opset ?? LATEST_UPGRADED_OPSET),
    constantsToInitializersPass,
    symboliseBatchPass(settings.batch ?? {}),
    pinShapesPass(new Map(Object.entries(settings.lengths ?? {}))),
    foldingBut(settings.kept ?? []),
    foldShapesPass,
    identitiesAndTransposesPass,
    commonSubexpressionsPass,
    decomposeCompositesPass(),
    poolsBeforeActivationsPass,
    fuseConvolutionsPass,
    fuseProductsPass,
    deadCodePass,
    annotateShapesPass,
    untieCopiesPass,
    sliceSplitSequencesPass,
    unrollRecurrentPass(),
    tileRowsPass,
  ];
}

/** Folding constants, which asks for what is to be kept: a name with a mistake in it would keep nothing. */
function foldingBut(kept: readonly string[]): Pass {
  const pass = foldConstantsPass(kept);
  return {
    ...pass,
    run: (model, engine) => {
      const names = definedNames(model.graph);
      const missing = kept.find((name) => !names.has(name));
      if (missing === undefined) return pass.run(model, engine);
      const near = nearestWords(missing, [...names], 1).map((name) => ` Did you mean '${name}'?`);
      throw new SlipwayError("PARAMETER_INVALID", `The model has no value '${missing}' to keep.${near.join("")}`);
    },
  };
}

function byName(passes: readonly Pass[]): Readonly<Record<string, Pass>> {
  return Object.fromEntries(passes.map((pass) => [pass.name, pass]));
}

/** Every pass, as it is without settings, in an order that suits most models. */
export const PASSES: Readonly<Record<string, Pass>> = byName(allWith({}));

/**
 * The passes of these names, in their order.
 * @throws SlipwayError PARAMETER_INVALID for a name no pass has, and for a setting of a pass that is not among them
 */
export function passesNamed(names: readonly string[], settings: PassSettings = {}): readonly Pass[] {
  const known = byName(allWith(settings));
  const passes = names.map((name) => {
    const pass = Object.hasOwn(known, name) ? known[name] : undefined;
    if (pass !== undefined) return pass;
    const [near] = nearestWords(name, Object.keys(known), 1);
    const hint = near === undefined ? `There are ${Object.keys(known).join(", ")}.` : `Did you mean '${near}'?`;
    throw new SlipwayError("PARAMETER_INVALID", `There is no pass '${name}'. ${hint}`);
  });
  for (const [setting, owner] of Object.entries(SETTING_OWNERS)) {
    if (settings[setting as keyof PassSettings] !== undefined && !names.includes(owner))
      throw new SlipwayError(
        "PARAMETER_INVALID",
        `'${setting}' is a setting of the pass '${owner}', which is not run. Run '${owner}' too, or leave it out.`,
      );
  }
  return passes;
}
