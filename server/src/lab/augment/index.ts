// Augmentation: rows made a little different each time a network sees them, from a seed.
export { augmentImages, type ImageAugmentation, type ImageShape } from "./images.ts";
export { augmentRows, type RowAugmentation } from "./rows.ts";
export { rowRandom } from "./row-random.ts";
