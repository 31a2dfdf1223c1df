// All passes by name, as the command line offers them.
import { constantsToInitializersPass } from "./constants-to-initializers.ts";
import { foldConstantsPass } from "./fold-constants.ts";
import { inlineFunctionsPass } from "./inline-functions.ts";
import type { Pass } from "./pass.ts";
import { sliceSplitSequencesPass } from "./slice-split-sequences.ts";
import { unrollRecurrentPass } from "./unroll-recurrent.ts";
import { untieCopiesPass } from "./untie-copies.ts";
import { upgradeOpsetPass } from "./upgrade-opset.ts";

const ALL: readonly Pass[] = [
  inlineFunctionsPass,
  upgradeOpsetPass(21),
  constantsToInitializersPass,
  foldConstantsPass(),
  untieCopiesPass,
  sliceSplitSequencesPass,
  unrollRecurrentPass,
];

/** Every pass, as it is without settings, in an order that suits most models. */
export const PASSES: Readonly<Record<string, Pass>> = Object.fromEntries(ALL.map((pass) => [pass.name, pass]));
