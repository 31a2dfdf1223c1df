// A value as a dot on its axis and its interval as a whisker through it, between the axis' ends. The numbers stand beside it;
// this is for the eye.
import type { MeasuredValue } from "../api.ts";
import type { Axis } from "./groups.ts";
import { digitsText, scaleFor } from "./quantity.ts";

const WIDTH = 96;
const HEIGHT = 16;
const MIDDLE = HEIGHT / 2;
const EDGE = 5;

interface WhiskerProps {
  readonly value: Pick<MeasuredValue, "value" | "unit"> & {
    readonly interval: Pick<NonNullable<MeasuredValue["interval"]>, "lower" | "upper"> | null;
  };
  readonly axis: Axis | null | undefined;
}

export function Whisker({ value: { value, interval, unit }, axis }: WhiskerProps) {
  if (axis === undefined || axis === null || value === null || value < axis.from || value > axis.to) return null;
  const { factor } = scaleFor(unit, value);
  const x = (number: number): number =>
    EDGE + ((Math.min(axis.to, Math.max(axis.from, number)) - axis.from) / (axis.to - axis.from)) * (WIDTH - 2 * EDGE);
  return (
    <span className="whisker" aria-hidden="true">
      <span className="whisker-end">{digitsText(axis.from * factor)}</span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT}>
        <path className="whisker-axis" d={`M${EDGE} ${MIDDLE} H${WIDTH - EDGE}`} />
        {interval !== null && (
          <path
            className="whisker-line"
            d={`M${x(interval.lower)} ${MIDDLE} H${x(interval.upper)} M${x(interval.lower)} ${MIDDLE - 4} v8 M${x(interval.upper)} ${MIDDLE - 4} v8`}
          />
        )}
        <circle className="whisker-dot" cx={x(value)} cy={MIDDLE} r="3.5" />
      </svg>
      <span className="whisker-end">{digitsText(axis.to * factor)}</span>
    </span>
  );
}
