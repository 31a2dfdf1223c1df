// The inference listener on real sockets: requests made to be read in two ways, held against a strict second reading. Each
// request that is surely meant has one answer, in order and with its own id; nothing else has one, but for a last refusal.
import { connect } from "node:net";
import { startMemoryListener, type MemoryListener } from "../../../server/src/api/inference/memory-listener.testing.ts";
import { answersIn, type RawAnswer } from "../../../test/support/raw-http.ts";
import { type HttpReading, readHttp } from "../http-reading.ts";
import type { Random } from "../random.ts";
import { bytesOf, type FuzzTarget } from "../target.ts";

const BODY = '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}';
const INFER = "POST /v2/models/mirror/infer HTTP/1.1\r\nHost: a\r\n";
const LIVE = "GET /v2/health/live HTTP/1.1\r\nHost: a\r\n";
/** A request in the body of another: it is answered where body and head are not told apart. */
const SMUGGLED = `${LIVE}X-Request-Id: smuggled\r\n\r\n`;
const LIMIT_MS = 10_000;

const LINES = [
  "Content-Length: 4",
  "Content-Length: 0",
  "Content-Length: +4",
  "Content-Length: 4, 4",
  "Content-Length: 0x4",
  "Content-Length:4 ",
  "Content-Length: 4\r\nContent-Length: 4",
  "Content-Length : 4",
  "Content-Length:\r\n 4",
  "content-length: 00004",
  "Content_Length: 4",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding:\tchunked",
  "Transfer-Encoding: \x0bchunked",
  "Transfer-Encoding\r\n : chunked",
  "Transfer-Encoding: xchunked",
  "transfer-encoding: chunked\r\ntransfer-encoding: identity",
  "TRANSFER-ENCODING: CHUNKED",
  "Transfer-Encoding: chunked\nX: b",
  "X: a\rTransfer-Encoding: chunked",
  "Host: b",
  "Host: b:80\r\nHost: c",
  "Connection: close",
  "Connection: keep-alive",
  "Connection: Content-Length",
  "Expect: 100-continue",
  "Expect: magic",
  "Upgrade: h2c\r\nConnection: Upgrade",
  "X: a\r\n folded",
  "X: \0",
  "X y: a",
  ": a",
  "X",
  "Trailer: X",
  "Content-Encoding: gzip",
  "Accept-Encoding: gzip",
];
const TARGETS = [
  "/v2/health/live",
  "/v2/models/mirror/infer",
  "http://b/v2/health/live",
  "*",
  "/",
  "b:443",
  "/v2/health/live?a#b",
  "//v2",
  "/v2/models/\xe9",
];
const VERSIONS = [
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/1.2",
  "HTTP/0.9",
  "http/1.1",
  "HTTP/1.1 ",
  "HTTP/2.0",
];
const METHODS = ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "get", "PUT", "G ET"];
const CHUNKS = [
  "0\r\n\r\n",
  "4\r\nabcd\r\n0\r\n\r\n",
  "4;a=b\r\nabcd\r\n0\r\n\r\n",
  "04\r\nabcd\r\n0\r\n\r\n",
  "4 \r\nabcd\r\n0\r\n\r\n",
  "0\r\nX-Request-Id: t\r\n\r\n",
  "4\nabcd\n0\n\n",
  "+4\r\nabcd\r\n0\r\n\r\n",
  "0x4\r\nabcd\r\n0\r\n\r\n",
  "4\r\nabcde\r\n0\r\n\r\n",
  "4\r\nabcd0\r\n\r\n",
  "ffffffffffffffff\r\nabcd\r\n",
  "0\r\n",
  "4;\n\r\nabcd\r\n0\r\n\r\n",
  "-1\r\n",
  "0;x\r\n\r\n",
  "1\r\na\r\n1;\rb\r\nc\r\n0\r\n\r\n",
];

const sized = (body: string, head = INFER, more = "") => `${head}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (chunks: string, head = INFER) => `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`;

export const httpTarget: FuzzTarget = {
  name: "http",
  share: 1.5,
  maxBytes: 4096,
  seeds: () =>
    [
      `${sized(BODY)}${LIVE}\r\n`,
      chunked(`${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`),
      sized(SMUGGLED),
      ...CHUNKS.map((chunks) => chunked(chunks) + SMUGGLED),
      ...LINES.map((line) => sized(SMUGGLED, INFER, `${line}\r\n`)),
      ...LINES.map((line) => `${LIVE}${line}\r\n\r\n${SMUGGLED}`),
    ].map(bytesOf),
  tokens: [
    ...LINES.map((line) => `\r\n${line}`),
    ...CHUNKS,
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    SMUGGLED,
    "HTTP/1.1",
  ].map(bytesOf),
  generate: (random) =>
    bytesOf(Array.from({ length: 1 + random.below(3) }, (_, index) => generated(random, `r${index}`)).join("")),
  async run(input) {
    listener ??= startMemoryListener();
    const { port, server } = await listener;
    const text = Buffer.from(input).toString("latin1");
    const reading = readHttp(text);
    const heard = await exchange(port, input, reading);
    judge(reading, heard);
    for (let turns = 0; server.inFlight() > 0; turns++) {
      if (turns > 1000) throw new Error(`${server.inFlight()} requests stay in flight`);
      await turn();
    }
    return `${reading.requests.length} and ${reading.rest}: ${heard.answers.map(sortOfAnswer).join()}${heard.isClosed ? " closed" : ""}`;
  },
  close: async () => (await listener)?.close(),
};

let listener: Promise<MemoryListener> | undefined;

function generated(random: Random, id: string): string {
  const method = random.oneIn(6) ? random.pick(METHODS) : random.pick(["GET", "POST"]);
  const target = random.oneIn(4) ? random.pick(TARGETS) : random.pick(TARGETS.slice(0, 2));
  const lines = [
    `${method} ${target} ${random.pick(random.oneIn(4) ? VERSIONS : ["HTTP/1.1"])}`,
    "Host: a",
    `X-Request-Id: ${id}`,
  ];
  for (let more = random.below(3); more > 0; more--)
    lines.splice(1 + random.below(lines.length), 0, random.pick(LINES));
  const body = random.pick([BODY, SMUGGLED, SMUGGLED, random.pick(CHUNKS) + SMUGGLED, ""]);
  switch (random.below(4)) {
    case 0:
      return [
        ...lines,
        "Transfer-Encoding: chunked",
        "",
        `${random.pick(CHUNKS)}${random.oneIn(3) ? SMUGGLED : ""}`,
      ].join("\r\n");
    case 1:
      return [...lines, "", body].join("\r\n");
    default:
      return [
        ...lines,
        `Content-Length: ${Math.max(0, body.length + (random.oneIn(6) ? random.below(9) - 4 : 0))}`,
        "",
        body,
      ].join("\r\n");
  }
}

interface Heard {
  readonly answers: readonly RawAnswer[];
  /** What came after the last whole answer. */
  readonly left: string;
  /** Whether the server ended the connection before we did. */
  readonly isClosed: boolean;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sends the input, waits for every answer that is due, and then a little longer for ones that are not. */
async function exchange(port: number, input: Uint8Array, { requests, rest }: HttpReading): Promise<Heard> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  const state = { isEnded: false };
  let wake = (): void => {};
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  for (const event of ["end", "error", "close"]) {
    socket.on(event, () => {
      state.isEnded = true;
      wake();
    });
  }
  socket.write(input);
  const until = async (isDone: () => boolean, what: string): Promise<void> => {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      wake();
    }, LIMIT_MS);
    while (!isDone() && !late.signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
    clearTimeout(timer);
    // Where this process had to wait for the machine, what was due may have come meanwhile.
    for (let turns = 0; turns < 100 && !isDone(); turns++) await turn();
    if (!isDone()) throw new Error(`${what}, but heard ${JSON.stringify(text)}`);
  };
  const methods = requests.map(({ method }) => method);
  try {
    await until(
      () => state.isEnded || read(text, methods).answers.length >= requests.length,
      `${requests.length} answers were due`,
    );
    if (rest === "malformed" || rest === "unread")
      await until(() => state.isEnded, `The connection had to end (${rest})`);
    for (let turns = 0; turns < 6 && !state.isEnded; turns++) await turn();
    const isClosed = state.isEnded;
    socket.end();
    await until(() => state.isEnded, "The connection had to end after ours did");
    return { ...read(text, methods), isClosed };
  } finally {
    socket.destroy();
  }
}

/** The answers in a text; that to a HEAD has a length and no body. */
function read(text: string, methods: readonly string[]): { answers: RawAnswer[]; left: string } {
  const answers: RawAnswer[] = [];
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return { answers, left: text.slice(at) };
    const isInterim = text.startsWith("HTTP/1.1 100 ", at);
    const head = text.slice(at, end + 4);
    // What could not be read was not known to be a HEAD: its refusal, which has no date, has a body.
    const isHead = methods[answers.length] === "HEAD" && /\r\ndate: /i.test(head);
    const length = isInterim || isHead ? 0 : Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
    // A refusal may be one of a HEAD, which nobody can tell from here.
    const hasNoBody = text.length === end + 4 && answers.length >= methods.length;
    if (text.length < end + 4 + length && !hasNoBody) return { answers, left: text.slice(at) };
    const [answer] = isInterim ? [] : answersIn(head.replace(/content-length: \d+/i, "content-length: 0"));
    if (answer !== undefined) answers.push({ ...answer, body: text.slice(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
}

/** @throws Error where something was answered that was not asked, or not answered that was */
function judge({ requests, rest, begun }: HttpReading, { answers, left, isClosed }: Heard): void {
  const fail = (what: string): never => {
    throw new Error(`${what}: ${JSON.stringify({ requests, rest, begun, answers, left })}`);
  };
  if (left !== "") fail("Something that is no answer");
  for (const [index, { status, headers }] of answers.entries()) {
    if (status === 500 || status < 200) fail(`A status ${status}`);
    const id = headers["x-request-id"] ?? null;
    const isLast = headers["connection"] === "close" && index === answers.length - 1 && isClosed;
    const asked = index < requests.length ? requests[index]! : begun;
    const isRefusal = id === null && isLast && status >= 400;
    // What is no request is refused, under whatever id it says it has.
    const isAnswer = asked === null ? status >= 400 : id === asked.id;
    if (!isAnswer && !isRefusal) fail(`Answer ${index} is not its request's`);
    if (asked?.isWrong === true && status < 400) fail(`Answer ${index} should refuse`);
    // A server may be stricter, or say that it closes; then nothing after that is answered.
    if (index < requests.length && isLast) return;
  }
  // Answered before its body was whole, and closed over that.
  if (answers.length < requests.length && isClosed && requests[answers.length - 1]?.isChunked === true) return;
  if (answers.length < requests.length) fail("Not every request was answered");
  const most = requests.length + (rest === "nothing" || rest === "unread" ? 0 : 1);
  if (answers.length > most) fail("More answers than requests");
  if (rest === "malformed" && begun === null && answers.length === most && answers.at(-1)!.status < 400)
    fail("Answered what is no request");
}

function sortOfAnswer({ status, body }: RawAnswer): string {
  return `${status} ${/"code":"([A-Z_]+)"/.exec(body)?.[1] ?? ""}`;
}
