// SQLite behind Kysely, and the lock a process holds on a data directory. The only file that knows `node:sqlite`;
// everything above writes queries that PostgreSQL understands too.
import { open } from "node:fs/promises";
import { backup, DatabaseSync, type SQLInputValue } from "node:sqlite";
import { SlipwayError } from "@slipway/core/base";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { diskError } from "./disk-errors.ts";
import { migrate } from "./migrations.ts";
import type { Tables } from "./tables.ts";

/** Typed queries over the tables. Within `transaction().execute(trx => …)` use only `trx`: there is one connection. */
export type Database = Kysely<Tables>;

/** How long a statement waits for another process, such as a backup, to let go. */
const BUSY_TIMEOUT_MS = 5000;

/** SQLite's result codes that users can act on. https://sqlite.org/rescode.html */
const SQLITE = { BUSY: 5, READONLY: 8, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

/**
 * Opens the database of a data directory, or an empty one in memory for `":memory:"`, at the newest schema. A
 * transaction that was committed survives a power cut. `destroy()` closes it.
 * @throws SlipwayError DATA_DIRECTORY_INVALID for a file that is no database or of a newer Slipway; DISK_FULL, DISK_READ_ONLY
 */
export async function openDatabase(file: string): Promise<Database> {
  const database = await openSqlite(file);
  const kysely = new Kysely<Tables>({ dialect: dialect(database) });
  try {
    await migrate(kysely);
    return kysely;
  } catch (error) {
    // Kysely closes what it has used; a database no query has reached is closed here.
    await kysely.destroy();
    if (database.isOpen) database.close();
    throw error;
  }
}

/** Pages copied at a time, between which the process does other things. */
const COPIED_PAGES = 64;

/**
 * Copies a database that is in use to a new file, as it stands when this is called. A read transaction holds that
 * moment, so what others commit meanwhile neither gets into the copy nor makes it begin again.
 * @throws SlipwayError DISK_FULL, DISK_READ_ONLY, or the signal's reason
 */
export async function copyDatabase(file: string, target: string, signal: AbortSignal): Promise<void> {
  const database = translated(file, () => new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS }));
  try {
    translated(file, () => {
      database.exec("BEGIN");
      database.prepare("SELECT count(*) FROM sqlite_master").get(); // only now the moment is fixed
    });
    const progress = () => signal.throwIfAborted();
    await backup(database, target, { rate: COPIED_PAGES, progress });
  } catch (error) {
    throw sqliteError(error, target);
  } finally {
    database.close();
  }
}

async function openSqlite(file: string): Promise<DatabaseSync> {
  // Made here first, so that it and the files SQLite puts beside it are its owner's alone.
  if (file !== ":memory:") {
    try {
      await (await open(file, "a", 0o600)).close();
    } catch (error) {
      throw diskError(error, `the database "${file}"`);
    }
  }
  const database = translated(file, () => new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS }));
  try {
    translated(file, () => {
      database.exec("PRAGMA journal_mode = WAL");
      database.exec("PRAGMA synchronous = FULL");
      database.exec("PRAGMA foreign_keys = ON");
      database.exec("PRAGMA trusted_schema = OFF");
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Kysely's SQLite dialect over `DatabaseSync`. */
function dialect(database: DatabaseSync): Dialect {
  return {
    createDriver: () => new Driver(database),
    createAdapter: () => new Adapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  };
}

/** Says that migrations may run in a transaction, as SQLite's can. */
class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class Driver extends SqliteDriver {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: adapted(database) });
    this.#database = database;
  }

  /** Takes the write lock at once: a transaction that read first could otherwise fail when it comes to write. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  /** SQLite rolls back by itself when the disk is full; a second rollback would hide why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** `DatabaseSync` as the part of better-sqlite3 that Kysely calls. */
function adapted(database: DatabaseSync): SqliteDatabase {
  const file = database.location() ?? ":memory:";
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = translated(file, () => database.prepare(sql));
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => translated(file, () => statement.all(...(parameters as SQLInputValue[]))),
        run: (parameters) => translated(file, () => statement.run(...(parameters as SQLInputValue[]))),
        iterate: (parameters) => translated(file, () => statement.iterate(...(parameters as SQLInputValue[]))),
      };
    },
  };
}

/** Runs `act`, answering what SQLite says of the disk and the file as coded errors. */
function translated<Result>(file: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw sqliteError(error, file);
  }
}

function sqliteError(error: unknown, file: string): unknown {
  switch (resultCode(error)) {
    case SQLITE.FULL:
      return new SlipwayError(
        "DISK_FULL",
        `The disk is full: the database "${file}" could not be written. Free space, then try again.`,
        { cause: error },
      );
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return new SlipwayError(
        "DISK_READ_ONLY",
        `The database "${file}" can't be opened for writing. Make the data directory writable, or choose another.`,
        { cause: error },
      );
    case SQLITE.NOTADB:
    case SQLITE.CORRUPT:
      return new SlipwayError(
        "DATA_DIRECTORY_INVALID",
        `The file "${file}" is not a readable SQLite database. Restore it from a copy, or choose another --data-dir.`,
        { cause: error },
      );
    default:
      return error;
  }
}

/** SQLite's primary result code, without what extends it; 0 for an error of another kind. */
function resultCode(error: unknown): number {
  const code = error instanceof Error && "errcode" in error ? error.errcode : 0;
  return typeof code === "number" ? code & 0xff : 0;
}

/** A lock on a file, held by this process. */
export interface FileLock {
  release(): void;
}

/**
 * Locks a file for this process, or answers null where another holder has it. Node has no file locks, SQLite does: this
 * is an exclusive transaction that never ends. The kernel gives it back however the process ends, so a lock is never
 * stale. The file must not be opened in any other way by this process: POSIX drops a process's locks on a file when it
 * closes any handle of it.
 * @param waitMs how long to wait for a holder to let go
 * @throws SlipwayError DISK_READ_ONLY where the file can't be made
 */
export function acquireFileLock(file: string, waitMs: number): FileLock | null {
  const database = translated(file, () => new DatabaseSync(file, { timeout: waitMs }));
  try {
    database.exec("PRAGMA journal_mode = MEMORY"); // leaves no journal file beside it
    database.exec("BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (resultCode(error) === SQLITE.BUSY) return null;
    throw sqliteError(error, file);
  }
}

/** Whether any process holds the lock on this file. */
export function isFileLocked(file: string): boolean {
  const database = translated(file, () => new DatabaseSync(file, { timeout: 0 }));
  try {
    database.prepare("SELECT count(*) FROM sqlite_master").get(); // needs a shared lock
    return false;
  } catch (error) {
    if (resultCode(error) === SQLITE.BUSY) return true;
    throw sqliteError(error, file);
  } finally {
    database.close();
  }
}
