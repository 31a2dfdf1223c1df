// How a column is distributed, the size of a word.
import type { Distribution } from "../api.ts";
import { barsOf, valuesText } from "./inspection-text.ts";

const WIDTH = 120;
const HEIGHT = 28;

export function Histogram({ name, distribution }: { name: string; distribution: Distribution }) {
  const rows = barsOf(distribution);
  const most = Math.max(...rows, 1);
  const step = WIDTH / Math.max(rows.length, 8);
  return (
    <svg
      className="dataset-histogram"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${name}: ${valuesText(distribution)}; rows ${rows.join(", ")}`}
    >
      {rows.map((value, at) => {
        // What is little is seen as something.
        const height = value === 0 ? 0 : Math.max(1, (value / most) * (HEIGHT - 1));
        return <rect key={at} x={at * step} y={HEIGHT - 1 - height} width={Math.max(1, step - 1)} height={height} />;
      })}
      <path d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
    </svg>
  );
}
