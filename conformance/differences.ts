// Where Slipway and the reference answer differently, and why it stays so: every difference a run finds must be in this
// table, and every row must still be found. docs/conformance.md prints it.
import { isDeepStrictEqual } from "node:util";
import type { Outcome } from "./cases.ts";

export interface Difference {
  /** The cases it shows in; a "*" in it stands for anything. */
  readonly cases: readonly string[];
  /** What the reference must have said for the row to explain it; anything, where left out. */
  readonly said?: RegExp;
  readonly ours: string;
  readonly theirs: string;
  readonly why: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    cases: ["metadata/extensions"],
    ours: "seven extensions",
    theirs: "thirteen",
    why: "Only what is there is listed: no sequences, no shared memory, no trace and log settings over HTTP.",
  },
  {
    cases: ["metadata/platform"],
    ours: "`onnxruntime_onnx`, as Triton names ONNX models",
    theirs: "`python`",
    why: "The reference serves Python functions.",
  },
  {
    cases: ["statistics/absent"],
    ours: "404",
    theirs: "400",
    why: "An unknown model is 404 on every route; Triton has 404 on all but this one.",
  },
  {
    cases: ["repository/index"],
    ours: "every endpoint with version and state",
    theirs: "an empty list",
    why: "pytriton loads models without a repository behind them.",
  },
  {
    cases: ["repository/load", "repository/load with files", "repository/unload"],
    ours: "403 on the inference port",
    theirs: "tried, and 400 or 500 for a model there is not",
    why: "The inference port never controls; the administration listener answers the same calls.",
  },
  {
    cases: ["trace/*", "logging/*"],
    ours: "501",
    theirs: "answered",
    why: "Logging and records are settings of the server, not of whoever reaches its inference port.",
  },
  {
    cases: ["shared memory/*", "infer/shared memory/input", "infer/shared memory/output"],
    ours: "501",
    theirs: "tried, and 400, 404 or 500 for a region there is not",
    why: "Clients do not get to name memory of the machine; Triton itself has it off by default now.",
  },
  {
    cases: ["infer/strings of raw bytes"],
    ours: "400",
    theirs: "answered",
    why: "A string tensor of ONNX is UTF-8; a Python function takes any bytes.",
  },
  {
    cases: ["infer/strings with a NUL"],
    ours: "400",
    theirs: "answered",
    why: "ONNX Runtime's binding for Node ends a string at a NUL; refused rather than cut.",
  },
  {
    cases: ["infer/types/*/0x3", "infer/types/*/2x0"],
    said: /^\[500\]/,
    ours: "answered with the same empty shape",
    theirs: "500",
    why: "pytriton can't carry a tensor without elements to its Python process.",
  },
  {
    cases: ["infer/rows/more than a batch"],
    ours: "answered",
    theirs: "400",
    why: "A request larger than a batch is run alone; Triton refuses it.",
  },
  {
    cases: ["infer/rows/none"],
    ours: "answered with no rows",
    theirs: "400",
    why: "No rows in, no rows out: a caller need not treat the empty list apart.",
  },
  {
    cases: ["infer/outputs/order of the answer"],
    ours: "in the order asked for",
    theirs: "in the model's order",
    why: "The protocol leaves it open; clients find outputs by name.",
  },
  {
    cases: ["infer/classification/text"],
    ours: "the shortest decimal that reads back as the same score",
    theirs: "six digits after the point",
    why: "At six digits, scores below 0.0000005 are all zero.",
  },
  {
    cases: ["infer/time/too little"],
    ours: "504",
    theirs: "503",
    why: "503 says to try again as it is; a deadline that was too short is not overload.",
  },
  {
    cases: ["infer/priority/a level there is not"],
    ours: "400",
    theirs: "served at the default level",
    why: "A priority that is not there would be lost in silence.",
  },
  {
    cases: ["infer/refused/an output twice", "wire/refused/a key twice"],
    ours: "400",
    theirs: "one of the two is taken",
    why: "Readers that differ on which one counts are how requests are smuggled past a filter.",
  },
  {
    cases: ["wire/accepted/null *"],
    ours: "taken as absent",
    theirs: "500",
    why: "Clients in several languages write absent fields as null.",
  },
  {
    cases: ["wire/refused/*", "wire/values/*", "wire/binary/refused/*", "wire/errors/type of the body"],
    said: /is 500; it should be 400$/,
    ours: "400 for what is wrong with a request",
    theirs: "500 where its JSON reader fails",
    why: "A caller's mistake is no fault of the server: monitors and retries depend on the difference.",
  },
  {
    cases: ["wire/refused/nested against the shape"],
    ours: "400",
    theirs: "answered as if flat",
    why: "Data that contradicts its shape is a mistake, of which one of the two is wrong.",
  },
  {
    cases: ["wire/values/a UINT8 as 256", "wire/values/an INT8 as 128", "wire/values/an FP32 past its end"],
    ours: "400",
    theirs: "0, -128 and infinity",
    why: "A value out of range is refused rather than changed.",
  },
  {
    cases: ["wire/values/a bool as 1", "wire/values/an INT32 as 2.0"],
    ours: "taken",
    theirs: "500",
    why: "JSON does not tell 2 from 2.0, and several languages write booleans as 0 and 1.",
  },
  {
    cases: ["wire/raw/a string"],
    ours: "taken for any shape of one string",
    theirs: "taken for shape [1] alone",
    why: "The body can mean only one thing.",
  },
  {
    cases: ["wire/compression/what comes back"],
    ours: "compressed from 8 KiB",
    theirs: "always compressed",
    why: "Compressing a small answer costs more than it saves.",
  },
  {
    cases: ["wire/compression/of a request in upper case"],
    ours: "taken",
    theirs: "501",
    why: "Names of codings have no case (RFC 9110, 8.4.1).",
  },
  {
    cases: ["wire/compression/a coding there is not"],
    ours: "415",
    theirs: "501",
    why: "415 is what HTTP has for it (RFC 9110, 15.5.16).",
  },
  {
    cases: ["wire/routes/server with a slash after it"],
    ours: "200",
    theirs: "404",
    why: "The protocol's OpenAPI document has the path with the slash, its text without: both answer.",
  },
  {
    cases: ["wire/routes/not ready"],
    ours: "404",
    theirs: "400",
    why: "404 tells a model there is not from one that is not ready; clients look for 200 alone.",
  },
  {
    cases: ["wire/routes/a name in percent escapes"],
    ours: "the name it means",
    theirs: "404",
    why: "Escapes of unreserved characters mean the characters (RFC 3986, 2.3).",
  },
  {
    cases: ["wire/routes/models"],
    ours: "the list of names, as KServe answers",
    theirs: "404",
    why: "An addition.",
  },
  {
    cases: ["wire/routes/generate"],
    ours: "501",
    theirs: "tried",
    why: "There is no text generation.",
  },
  {
    cases: ["wire/health/bodies"],
    ours: '`{"live":true}` and so on',
    theirs: "no body",
    why: "The protocol's text has the bodies; clients look at the status.",
  },
  {
    cases: ["wire/infer/keys of the answer"],
    ours: "`parameters.inference_id` as well",
    theirs: "no parameters",
    why: "The server's own id joins an answer to records and logs.",
  },
  {
    cases: ["wire/infer/whole numbers in FP32"],
    ours: "`0,1,2`",
    theirs: "`0.0,1.0,2.0`",
    why: "The same numbers in fewer bytes; JSON has one kind of number.",
  },
];

export interface Found {
  readonly case: string;
  readonly client: Outcome["client"];
  readonly ours: unknown;
  readonly theirs: unknown;
}

/** Cases whose outcome differs between the servers. */
export function differencesOf(ours: readonly Outcome[], theirs: readonly Outcome[]): Found[] {
  const key = (outcome: Outcome) => `${outcome.client} ${outcome.case}`;
  const others = new Map(theirs.map((outcome) => [key(outcome), outcome]));
  return ours.flatMap((outcome) => {
    const other = others.get(key(outcome));
    const isSame = other !== undefined && other.ok === outcome.ok && isDeepStrictEqual(other.seen, outcome.seen);
    if (other === undefined || isSame) return [];
    return [{ case: outcome.case, client: outcome.client, ours: outcome.seen, theirs: other.seen }];
  });
}

/** What no row explains, and the rows that explain nothing of what was found. */
export function explain(found: readonly Found[]): { unexplained: Found[]; stale: Difference[] } {
  return {
    unexplained: found.filter((one) => !DIFFERENCES.some((row) => explains(row, one))),
    stale: DIFFERENCES.filter((row) => !found.some((one) => explains(row, one))),
  };
}

function explains({ cases, said }: Difference, found: Found): boolean {
  if (said !== undefined && !(typeof found.theirs === "string" && said.test(found.theirs))) return false;
  return cases.some((pattern) => {
    const [start = "", end] = pattern.split("*");
    return end === undefined ? found.case === pattern : found.case.startsWith(start) && found.case.endsWith(end);
  });
}
