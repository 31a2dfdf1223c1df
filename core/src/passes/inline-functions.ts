// A model's own functions in the place of their calls, as a pass.
import { inlineFunctions } from "#graph";
import type { Pass } from "./pass.ts";

export const inlineFunctionsPass: Pass = {
  name: "inline-functions",
  requires: [],
  does: "Puts the nodes of the model's own functions in the place of the nodes that call them.",
  ensures: ["functions-inlined"],
  run: inlineFunctions,
};
