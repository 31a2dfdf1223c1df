// A line the height of a word, beside the number it leads up to; decoration for those who see it.

const WIDTH = 96;
const HEIGHT = 20;

export function Sparkline({ values }: { values: readonly (number | null)[] }) {
  const max = Math.max(...values.map((value) => value ?? 0), 1e-9);
  const step = WIDTH / Math.max(1, values.length - 1);
  let path = "";
  let isDrawing = false;
  for (const [i, value] of values.entries()) {
    if (value === null) isDrawing = false;
    else {
      path += `${isDrawing ? "L" : "M"}${(i * step).toFixed(1)} ${(HEIGHT - 1 - (value / max) * (HEIGHT - 2)).toFixed(1)}`;
      isDrawing = true;
    }
  }
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
