// A digit of each kind as strokes, in a square of 100, for those who do not draw with a pointer.

export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Stroke = readonly Point[];

/** Corners of each stroke; the canvas draws smooth curves between them. */
const CORNERS: Readonly<Record<string, readonly string[]>> = {
  "0": ["52,18 36,22 28,44 30,66 42,82 56,82 70,68 72,44 64,24 50,18"],
  "1": ["40,30 54,18 54,18 53,50 52,84"],
  "2": ["30,34 36,22 52,18 66,26 66,40 54,56 40,70 28,82 28,82 50,80 74,80"],
  "3": ["30,24 46,17 62,22 64,36 54,46 44,48 44,48 60,50 70,62 64,78 46,84 28,78"],
  "4": ["40,18 36,36 28,56 28,56 50,56 74,54", "60,24 59,50 58,84"],
  "5": ["66,20 50,20 38,21 38,21 36,34 34,46 34,46 50,42 66,50 68,66 58,80 42,84 28,78"],
  "6": ["60,17 44,30 34,50 32,68 42,82 58,82 68,70 62,57 48,55 36,64"],
  "7": ["28,22 48,21 72,20 72,20 60,42 50,62 44,84"],
  "8": ["62,26 50,18 38,24 38,36 50,48 64,58 68,72 58,83 44,83 34,72 38,58 50,48 62,38 64,28"],
  "9": ["66,32 56,19 42,20 34,34 40,47 54,47 66,34 66,34 66,52 62,70 56,84"],
};

export const SAMPLES: readonly { readonly digit: string; readonly strokes: readonly Stroke[] }[] = Object.entries(
  CORNERS,
).map(([digit, strokes]) => ({
  digit,
  strokes: strokes.map((corners) =>
    corners.split(" ").map((pair) => {
      const [x = 0, y = 0] = pair.split(",").map(Number);
      return { x: x / 100, y: y / 100 };
    }),
  ),
}));
