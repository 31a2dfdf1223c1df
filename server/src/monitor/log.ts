// Structured logs. A line says what happened to the system, never what was in a request, and there is none per answered
// request. JSON for machines; short text for a terminal.
import { type Logger, pino } from "pino";

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  readonly format: "json" | "text";
  /** Where lines go; standard error by default, so that a command's answer stays alone on standard output. */
  readonly write: (line: string) => void;
}

export function createLog(options: LogOptions): Log {
  const write = options.format === "json" ? options.write : (line: string) => options.write(textFromLine(line));
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
}

/** `12:34:56 warn  runner died endpoint=digits cause=memory` */
function textFromLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: string; time: string; msg?: string };
  const facts = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
  return `${[time.slice(11, 19), level.padEnd(5), msg ?? "", ...facts].join(" ")}\n`;
}

function fieldText(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) return JSON.stringify(value.message);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
