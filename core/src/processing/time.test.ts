// Times as text, against the platform's own calendar.
import { expect, it } from "vitest";
import { secondsOfTime } from "./time.ts";

it("tells what Date tells, whatever the day", () => {
  for (let year = 1; year <= 2800; year += 7)
    for (const [month, day] of [
      [1, 1],
      [2, 28],
      [3, 1],
      [12, 31],
    ] as const) {
      const date = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
      expect([date, secondsOfTime(date)]).toEqual([date, Date.parse(`${date}T00:00:00Z`) / 1000]);
    }
});

it.each([
  ["2026-11-26T08:30", "2026-11-26T08:30:00Z"],
  ["2026-11-26 08:30:15.25", "2026-11-26T08:30:15.250Z"],
  ["2026-11-26t08:30:15z", "2026-11-26T08:30:15Z"],
  ["2026-11-26 08:30+01", "2026-11-26T07:30:00Z"],
  ["2026-11-26T08:30:00-03:30", "2026-11-26T12:00:00Z"],
  ["2024-02-29T23:59:59+0530", "2024-02-29T18:29:59Z"],
  ["2026/11/26", "2026-11-26T00:00:00Z"],
  ["2026-3-7 08:30", "2026-03-07T08:30:00Z"],
])("takes %s", (text, same) => {
  expect(secondsOfTime(text)).toBe(Date.parse(same) / 1000);
});

it.each([
  "",
  "tomorrow",
  "2026-13-01",
  "2026-00-10",
  "2025-02-29",
  "1900-02-29",
  "2026-11-26T24:00",
  "26.11.2026",
  "2026-11/26",
  "2026-11-26T08",
  "2026-11-26T08:30+99",
  "1764144000",
])("takes no %s", (text) => {
  expect(secondsOfTime(text)).toBeNull();
});
