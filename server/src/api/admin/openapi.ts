// The OpenAPI 3.1 document of the administration API, made from the table of operations.
import { z } from "zod";
import { type Operation, OPERATIONS } from "./operations.ts";
import { ErrorView } from "./views.ts";

type Json = Readonly<Record<string, unknown>>;

/** The document, for `GET /api/openapi.json`. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS) as [string, Operation][]) {
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = operationObject(name, operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Slipway administration",
      version,
      description: "Models, versions, endpoints and configuration of a Slipway server. Inference has its own listener.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "The token in the data directory's server file" },
      },
      schemas: { Error: schemaObject(ErrorView, "output") },
    },
  };
}

function operationObject(name: string, operation: Operation): Json {
  const parameters = [...parameterObjects(operation.params, "path"), ...parameterObjects(operation.query, "query")];
  return {
    operationId: name,
    summary: operation.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(operation.body === undefined ? {} : { requestBody: requestBody(operation.body) }),
    responses: {
      200: {
        description: "Done",
        content:
          operation.response === "file"
            ? { "*/*": {} }
            : { "application/json": { schema: schemaObject(operation.response, "output") } },
      },
      default: {
        description: "What was wrong",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

function requestBody(body: z.ZodType | "bytes"): Json {
  if (body === "bytes") return { required: true, content: { "application/octet-stream": {} } };
  return { required: true, content: { "application/json": { schema: schemaObject(body, "input") } } };
}

function parameterObjects(schema: z.ZodObject | undefined, where: "path" | "query"): Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, type]) => {
    const { description, ...rest } = schemaObject(type as z.ZodType, "input");
    return {
      name,
      in: where,
      required: where === "path" || !(type as z.ZodType).safeParse(undefined).success,
      ...(typeof description === "string" ? { description } : {}),
      schema: rest,
    };
  });
}

function schemaObject(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: "draft-2020-12" });
  return rest;
}
