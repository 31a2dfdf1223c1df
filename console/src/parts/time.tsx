// A moment, as how long ago it was; the exact time is its title.
import { durationText, timeText } from "./format.ts";

export function Ago({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={timeText(at)}>
      {durationText(now - at)} ago
    </time>
  );
}

export function Moment({ at }: { at: number }) {
  return <time dateTime={new Date(at).toISOString()}>{timeText(at)}</time>;
}
