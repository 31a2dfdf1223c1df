// The latency distribution drawn with characters: one line per band, latencies rising downwards on a logarithmic scale.
import type { LatencyBand } from "#load";
import { columns, duration } from "../text.ts";

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const WIDTH = 40;

/** A line per band: its lower edge, a bar as long as its share, the share, and the share of all up to its end. */
export function distributionText(bands: readonly LatencyBand[]): string[] {
  const total = bands.reduce((sum, band) => sum + band.count, 0);
  const most = bands.reduce((top, band) => Math.max(top, band.count), 0);
  if (total === 0) return [];
  let seen = 0;
  const rows = bands.map((band) => {
    seen += band.count;
    return [
      duration(band.fromMs),
      bar(band.count / most).padEnd(WIDTH),
      share(band.count / total),
      share(seen / total),
    ];
  });
  return columns([["from", "".padEnd(WIDTH), "share", "up to here"], ...rows], "rlrr");
}

/** A bar of eighths of a character; what is there at all shows at least one. */
function bar(fraction: number): string {
  const eighths = fraction > 0 ? Math.max(1, Math.round(fraction * WIDTH * 8)) : 0;
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}

function share(fraction: number): string {
  const percent = fraction * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  // Rounding must not turn nearly all into all.
  if (percent >= 99.9) return `${(Math.floor(percent * 1000) / 1000).toFixed(3)} %`;
  return `${percent < 0.1 ? percent.toPrecision(1) : percent.toFixed(1)} %`;
}
