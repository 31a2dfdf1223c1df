// Distributions: what each is, and what all can be asked.
export { betaDistribution, fDistribution } from "./beta.ts";
export { binomialDistribution } from "./binomial.ts";
export type { Distribution } from "./distribution.ts";
export { chiSquareDistribution, gammaDistribution } from "./gamma.ts";
export { hypergeometricProbabilities, type Urn } from "./hypergeometric.ts";
export { kolmogorovSurvival, smirnovSurvival } from "./kolmogorov.ts";
export { normalDistribution } from "./normal.ts";
export { poissonDistribution } from "./poisson.ts";
export { tDistribution } from "./t.ts";
export { uniformDistribution } from "./uniform.ts";
