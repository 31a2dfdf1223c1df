// The first record of a CSV file: the names of its columns and what stands between fields. It is read here, and not left to
// a guess over the whole file, so that a file is read the same way each time and a broken row shows as one.
// Source: RFC 4180; a byte order mark is passed over.
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { SlipwayError } from "@slipway/core/base";

export interface CsvHead {
  readonly delimiter: string;
  /** Names of the columns; one without a name is called by its place: "column3". */
  readonly names: readonly string[];
}

const DELIMITERS = [",", ";", "\t", "|"];
const MOST_BYTES = 4 * 2 ** 20;

/**
 * @param delimiter null takes whichever of , ; tab | the first record has most of
 * @param hasNames whether the first record names the columns
 * @throws SlipwayError ROWS_INVALID where there is no first record or two columns have one name; FILE_UNREADABLE
 */
export async function readCsvHead(
  file: { readonly path: string; readonly shown: string },
  delimiter: string | null,
  hasNames: boolean,
): Promise<CsvHead> {
  const refuse = (why: string): never => {
    throw new SlipwayError("ROWS_INVALID", `${file.shown} ${why}`);
  };
  const record = firstRecord(await beginning(file));
  if (record === null) return refuse("has a first line with a quote that does not end, or is no CSV file.");
  if (record.includes("\0"))
    return refuse("has NUL characters in its first line: it is no text, or not in UTF-8. Save it as UTF-8.");
  if (record.trim() === "") return refuse("is empty; a CSV file begins with the names of its columns.");
  const found = delimiter ?? mostFrequent(record);
  const fields = fieldsOf(record, found);
  if (!hasNames) return { delimiter: found, names: fields.map((_, at) => `column${at}`) };
  const names = fields.map((name, at) => (name.trim() === "" ? `column${at}` : name));
  const seen = new Map<string, number>();
  for (const [at, name] of names.entries()) {
    const before = seen.get(name.toLowerCase());
    if (before !== undefined) {
      const both = names[before] === name ? `"${name}"` : `"${names[before]}" and "${name}", which differ in case only`;
      return refuse(`names its columns ${before + 1} and ${at + 1} ${both}. Give each a name of its own.`);
    }
    seen.set(name.toLowerCase(), at);
  }
  return { delimiter: found, names };
}

/**
 * Where lines that make no row are left out, DuckDB leaves those of another encoding out or not by which columns are read.
 * @throws SlipwayError ROWS_INVALID for a file that is not UTF-8; FILE_UNREADABLE
 */
export async function refuseOtherEncoding({ path, shown }: { path: string; shown: string }): Promise<void> {
  const stream = createReadStream(path, { highWaterMark: 2 ** 20 });
  const plain = path.endsWith(".gz") ? stream.pipe(createGunzip()) : stream;
  stream.on("error", (error) => plain.destroy(error));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let at = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      decoder.decode(chunk, { stream: true });
      at += chunk.byteLength;
    }
    decoder.decode();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_ENCODING_INVALID_ENCODED_DATA")
      throw new SlipwayError("FILE_UNREADABLE", `${shown} can't be read (${code}).`, { cause: error });
    throw notUtf8(shown, `within a mebibyte after byte ${at}`);
  } finally {
    stream.destroy();
  }
}

export function notUtf8(shown: string, where: string): SlipwayError {
  return new SlipwayError("ROWS_INVALID", `${shown} is not in UTF-8 (${where}). Save it as UTF-8.`);
}

async function beginning({ path, shown }: { path: string; shown: string }): Promise<string> {
  const stream = createReadStream(path, { end: MOST_BYTES });
  const plain = path.endsWith(".gz") ? stream.pipe(createGunzip()) : stream;
  const chunks: Buffer[] = [];
  let held = 0;
  try {
    stream.on("error", (error) => plain.destroy(error));
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      held += chunk.byteLength;
      if (held > MOST_BYTES || firstRecord(Buffer.concat(chunks).toString("utf8")) !== null) break;
    }
  } catch (error) {
    // A compressed file is cut off where reading ended.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "Z_BUF_ERROR") {
      throw new SlipwayError("FILE_UNREADABLE", `${shown} can't be read (${code}).`, { cause: error });
    }
  } finally {
    stream.destroy();
  }
  const text = Buffer.concat(chunks).toString("utf8");
  // The last line of a file need not end.
  return held <= MOST_BYTES && firstRecord(text) === null ? `${text}\n` : text;
}

/** Up to the first line break outside quotes; null where there is none. */
function firstRecord(text: string): string | null {
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === "\n" || character === "\r")) return text.slice(0, at).replace(/^\ufeff/, "");
  }
  return null;
}

function mostFrequent(record: string): string {
  const unquoted = record.replace(/"(?:[^"]|"")*"/g, "");
  const counts = DELIMITERS.map((delimiter) => unquoted.split(delimiter).length - 1);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

function fieldsOf(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let at = 0; at < record.length; at++) {
    const character = record[at]!;
    if (isQuoted && character === '"' && record[at + 1] === '"') {
      field += '"';
      at++;
    } else if (character === '"' && (isQuoted || field === "")) isQuoted = !isQuoted;
    else if (character === delimiter && !isQuoted) {
      fields.push(field);
      field = "";
    } else field += character;
  }
  return [...fields, field];
}
