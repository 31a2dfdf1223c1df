// DuckDB's types of columns: what each is to us, and how SQL makes the form of it that is wanted.
import { unreachable } from "@slipway/core/base";
import type { ColumnForm, ColumnKind } from "./source.ts";

const TEXT = new Set(["VARCHAR", "JSON", "UUID"]);
const NUMBERS = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|FLOAT|DOUBLE)$/;
const WHOLE = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))$/;
const MOMENTS = /^(DATE|TIMESTAMP)/;

export function kindOfType(type: string): ColumnKind {
  if (type === "BOOLEAN") return "truth";
  if (isListType(type)) return "list";
  if (WHOLE.test(type)) return "whole";
  if (isNumberType(type)) return "number";
  if (MOMENTS.test(type)) return "moment";
  return isTextType(type) ? "text" : "other";
}

export function isTextType(type: string): boolean {
  return TEXT.has(type) || type.startsWith("ENUM(");
}

/** Whether numbers can be made of a column's type. */
export function isNumberType(type: string): boolean {
  return (
    NUMBERS.test(type) || type === "BOOLEAN" || type === "HUGEINT" || type === "UHUGEINT" || type.startsWith("DECIMAL(")
  );
}

function isListType(type: string): boolean {
  return /\[\d*\]$/.test(type);
}

/** A column in a form, as SQL. @param column its name as SQL writes it */
export function expressionOf(column: string, type: string, form: ColumnForm): string {
  // JSON as text keeps its quotes; ->> takes them off.
  const text = type === "JSON" ? `(${column} ->> '$')` : `CAST(${column} AS VARCHAR)`;
  switch (form) {
    case "text":
      return text;
    case "number":
      // Missing text is NaN, so that what is left as null is text that is no number.
      if (isTextType(type)) {
        return `CASE WHEN ${text} IS NULL THEN 'nan'::DOUBLE ELSE COALESCE(TRY_CAST(${text} AS DOUBLE), ${truthOf(text)}) END`;
      }
      if (NUMBERS.test(type)) return column;
      return `TRY_CAST(${column} AS DOUBLE)`;
    case "integer": {
      if (NUMBERS.test(type)) return column;
      const number = `TRY_CAST(${isTextType(type) ? text : column} AS DOUBLE)`;
      const whole = `TRY_CAST(${isTextType(type) ? text : column} AS BIGINT)`;
      return `CASE WHEN ${number} = trunc(${number}) THEN ${whole} ELSE ${truthOf(`CAST(${column} AS VARCHAR)`)} END`;
    }
    case "moment":
      if (MOMENTS.test(type)) return `CAST(epoch_us(CAST(${column} AS TIMESTAMP)) AS DOUBLE)`;
      if (isTextType(type)) {
        return `COALESCE(TRY_CAST(${text} AS DOUBLE), CAST(epoch_us(TRY_CAST(${text} AS TIMESTAMPTZ)) AS DOUBLE))`;
      }
      return `TRY_CAST(${column} AS DOUBLE)`;
    case "seconds":
      if (MOMENTS.test(type)) return `(epoch_us(CAST(${column} AS TIMESTAMP)) / 1e6)`;
      if (isTextType(type)) {
        const seconds = `COALESCE(TRY_CAST(${text} AS DOUBLE), epoch_us(TRY_CAST(${text} AS TIMESTAMPTZ)) / 1e6)`;
        return `CASE WHEN ${text} IS NULL THEN 'nan'::DOUBLE ELSE ${seconds} END`;
      }
      return `TRY_CAST(${column} AS DOUBLE)`;
    case "list":
      if (isTextType(type)) return `TRY_CAST(${text} AS DOUBLE[])`;
      // Arrays of a fixed length and decimals inside become lists of plain numbers.
      return `CAST(${column} AS ${listTypeFrom(type)})`;
    default:
      return unreachable(form);
  }
}

function truthOf(text: string): string {
  return `CASE lower(${text}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`;
}

/** DECIMAL(4,1)[3][] → DOUBLE[][]; types of plain numbers and texts stay as they are. */
function listTypeFrom(type: string): string {
  const [, element, brackets] = /^(.*?)((?:\[\d*\])+)$/.exec(type) ?? [];
  if (element === undefined) return type;
  const plain = NUMBERS.test(element) || element === "BOOLEAN" ? element : isTextType(element) ? "VARCHAR" : "DOUBLE";
  return `${plain}${brackets!.replace(/\d+/g, "")}`;
}
