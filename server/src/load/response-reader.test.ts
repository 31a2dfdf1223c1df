import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ResponseFacts, ResponseMalformed, ResponseReader } from "./response-reader.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n";
const REFUSED =
  'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 21\r\nconnection: close\r\n\r\n{"code":"QUEUE_FULL"}';
const EMPTY = "HTTP/1.1 204 No Content\r\n\r\n";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** Feeds bytes in pieces of these sizes, from memory that is overwritten after each. */
function read(text: string, pieces: readonly number[]): ResponseFacts[] {
  const facts: ResponseFacts[] = [];
  const reader = new ResponseReader((response) => facts.push(response));
  const bytes = Buffer.from(text);
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const length = Math.max(1, pieces[index % pieces.length] ?? bytes.length);
    const piece = Buffer.from(bytes.subarray(at, at + length));
    reader.push(piece);
    piece.fill(0);
    at += length;
  }
  return facts;
}

test("answers are read the same however their bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(OK, CHUNKED, REFUSED, EMPTY, CONTINUE), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      (answers, pieces) => {
        const expected = answers.filter((answer) => answer !== CONTINUE).map((answer) => Number(answer.slice(9, 12)));
        expect(read(answers.join(""), pieces).map(({ status }) => status)).toEqual(expected);
      },
    ),
  );
});

test("the body of an error is kept, that of an answer is not", () => {
  expect(read(REFUSED, [7])).toEqual([
    { status: 503, sizeBytes: REFUSED.length, isLast: true, errorBody: '{"code":"QUEUE_FULL"}' },
  ]);
  expect(read(OK + CHUNKED, [9])).toEqual([
    { status: 200, sizeBytes: OK.length, isLast: false, errorBody: "" },
    { status: 200, sizeBytes: CHUNKED.length, isLast: false, errorBody: "" },
  ]);
});

test("an answer without a length ends with its connection", () => {
  const facts: ResponseFacts[] = [];
  const reader = new ResponseReader((response) => facts.push(response));
  reader.push(Buffer.from("HTTP/1.1 200 OK\r\n\r\nto the end"));
  expect(facts).toEqual([]);
  expect(reader.end()).toBe(true);
  expect(facts).toMatchObject([{ status: 200, isLast: true }]);
  expect(reader.end()).toBe(false);
});

describe("what is not HTTP is refused", () => {
  test.each(["SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])(
    "%j",
    (text) => {
      expect(() => read(text, [100])).toThrow(ResponseMalformed);
    },
  );
  test("a head without an end", () =>
    expect(() => read(`HTTP/1.1 200 OK\r\n${"x".repeat(70_000)}`, [999])).toThrow(ResponseMalformed));
});
