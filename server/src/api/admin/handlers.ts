// What carries out the operations of the administration API. HTTP routes and the command line's off-line mode call the
// same handlers, so a command does the same with the server running and with it stopped.
import type { Readable } from "node:stream";
import { SlipwayError } from "@slipway/core/base";
import type { z } from "zod";
import type { Client, OperationOutput } from "../client.ts";
import { type Operation, type OperationName, OPERATIONS } from "./operations.ts";

type Operations = typeof OPERATIONS;
type Parsed<Op, Key extends string> = Op extends { readonly [K in Key]: infer Schema }
  ? { readonly [K in Key]: Schema extends z.ZodType ? z.output<Schema> : Readable }
  : unknown;

/** What a handler gets: its operation's inputs, checked, with defaults filled in. */
export type HandlerInput<Name extends OperationName> = Parsed<Operations[Name], "params"> &
  Parsed<Operations[Name], "query"> &
  Parsed<Operations[Name], "body">;

export type Handlers = {
  readonly [Name in OperationName]: (input: HandlerInput<Name>, signal: AbortSignal) => Promise<OperationOutput<Name>>;
};

export interface RawInput {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/**
 * Checks an operation's inputs against its schemas and calls its handler.
 * @throws SlipwayError REQUEST_MALFORMED naming the field, the value seen and what is expected
 */
export async function callHandler(
  handlers: Handlers,
  name: OperationName,
  raw: RawInput,
  signal: AbortSignal,
): Promise<unknown> {
  const operation: Operation = OPERATIONS[name];
  const input: Record<string, unknown> = {};
  for (const part of ["params", "query", "body"] as const) {
    const schema = operation[part];
    if (schema === undefined) continue;
    input[part] = schema === "bytes" ? raw[part] : parsed(schema, raw[part] ?? {}, part);
  }
  const handler = handlers[name] as (input: unknown, signal: AbortSignal) => Promise<unknown>;
  return await handler(input, signal);
}

function parsed(schema: z.ZodType, value: unknown, part: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const at = issue.path.length > 0 ? `"${issue.path.join(".")}"` : `the ${part}`;
    return `${at}: ${issue.message}${seen(value, issue.path)}`;
  });
  throw new SlipwayError("REQUEST_MALFORMED", `The request's ${part} can't be used: ${issues.join("; ")}.`, {
    // For a form, which says at each field what is wrong with it.
    details: { issues: result.error.issues.map(({ path, message }) => ({ path: path.join("."), message })) },
  });
}

/** The value an issue speaks of, for the message; long ones are cut. */
function seen(value: unknown, path: readonly PropertyKey[]): string {
  let at: unknown = value;
  for (const key of path)
    at = typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  if (at === undefined || typeof at === "object") return "";
  return ` (seen: ${JSON.stringify(at).slice(0, 80)})`;
}

/** The handlers behind the client's interface, for use without a server. */
export function clientFromHandlers(handlers: Handlers): Client {
  const client: Record<string, unknown> = {};
  for (const name of Object.keys(OPERATIONS) as OperationName[]) {
    client[name] = (input: RawInput = {}, options: { signal?: AbortSignal } = {}) =>
      callHandler(handlers, name, input, options.signal ?? new AbortController().signal);
  }
  return client as Client;
}
