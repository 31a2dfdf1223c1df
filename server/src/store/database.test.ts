import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { errorOf, temporaryDirectory } from "../../../test/support/registry.ts";
import { acquireFileLock, type Database, isFileLocked, openDatabase } from "./database.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";

async function open(file: string): Promise<Database> {
  const database = await openDatabase(file);
  onTestFinished(() => database.destroy());
  return database;
}

const openTemporary = async () => await open(path.join(await temporaryDirectory(), "slipway.db"));
const insertName = (database: Database, name: string) =>
  database.insertInto("version_name").values({ tenant: "t", name, last_number: 1 }).execute();
const names = async (database: Database) =>
  (await database.selectFrom("version_name").select("name").orderBy("name").execute()).map((row) => row.name);

const code = async (promise: Promise<unknown>) => (await errorOf(promise)).code;

describe("the database", () => {
  test("waits for the disk, writes ahead, checks references, and is its owner's alone", async () => {
    const file = path.join(await temporaryDirectory(), "slipway.db");
    const database = await open(file);
    const pragma = async (name: string) =>
      Object.values((await sql<Record<string, unknown>>`PRAGMA ${sql.raw(name)}`.execute(database)).rows[0]!)[0];
    expect(await pragma("journal_mode")).toBe("wal");
    expect(await pragma("synchronous")).toBe(2);
    expect(await pragma("foreign_keys")).toBe(1);
    expect(await pragma("busy_timeout")).toBeGreaterThan(0);
    if (process.platform !== "win32") {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await stat(`${file}-wal`)).mode & 0o777).toBe(0o600);
    }
  });

  test("keeps what was committed and nothing of what was not", async () => {
    const file = path.join(await temporaryDirectory(), "slipway.db");
    const first = await openDatabase(file);
    await insertName(first, "kept");
    const failed = first.transaction().execute(async (queries) => {
      await insertName(queries, "lost");
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    await first.destroy();
    expect(await names(await open(file))).toEqual(["kept"]);
  });

  test("keeps transactions that run at once apart", async () => {
    const database = await openTemporary();
    await insertName(database, "counter");
    const increment = () =>
      database.transaction().execute(async (queries) => {
        const row = await queries.selectFrom("version_name").select("last_number").executeTakeFirstOrThrow();
        await new Promise((resolve) => setImmediate(resolve));
        await queries
          .updateTable("version_name")
          .set({ last_number: row.last_number + 1 })
          .execute();
      });
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(
      (await database.selectFrom("version_name").select("last_number").executeTakeFirstOrThrow()).last_number,
    ).toBe(21);
  });

  test("refuses references to what is not there", async () => {
    const database = await openTemporary();
    const orphan = { tenant: "t", model_hash: "none", path: "p", blob_hash: "b", size_bytes: 1 };
    await expect(database.insertInto("model_file").values(orphan).execute()).rejects.toThrow("FOREIGN KEY");
  });

  test("a full disk is DISK_FULL, the transaction is undone, and the next one works", async () => {
    const database = await openTemporary();
    await insertName(database, "before");
    const { rows } = await sql<{ page_count: number }>`PRAGMA page_count`.execute(database);
    const pages = rows[0]!.page_count;
    const limit = (count: number) => sql`PRAGMA max_page_count = ${sql.raw(String(count))}`.execute(database);
    await limit(pages + 2);
    const fill = database.transaction().execute(async (queries) => {
      await insertName(queries, "lost");
      await insertName(queries, "x".repeat(200_000));
    });
    expect(await code(fill)).toBe("DISK_FULL");
    expect(await names(database)).toEqual(["before"]);
    await limit(pages + 1000);
    await insertName(database, "later");
    expect(await names(database)).toEqual(["before", "later"]);
  });

  test("a file that is no database, or a folder, is refused", async () => {
    const directory = await temporaryDirectory();
    const file = path.join(directory, "slipway.db");
    await writeFile(file, "this is not a database ".repeat(500));
    expect(await code(openDatabase(file))).toBe("DATA_DIRECTORY_INVALID");
    await expect(openDatabase(directory)).rejects.toThrow();
  });
});

describe("migrations", () => {
  test("run once, and again on the next opening change nothing", async () => {
    const file = path.join(await temporaryDirectory(), "slipway.db");
    await (await openDatabase(file)).destroy();
    const database = await open(file);
    const { rows } = await sql<{ name: string }>`select name from schema_migration order by name`.execute(database);
    expect(rows.map((row) => row.name)).toEqual(Object.keys(MIGRATIONS));
  });

  test("a database of a newer Slipway is refused and left alone", async () => {
    const file = path.join(await temporaryDirectory(), "slipway.db");
    const database = await openDatabase(file);
    await migrate(database, {
      ...MIGRATIONS,
      "9999_future": {
        up: (future: Database) => future.schema.createTable("future").addColumn("a", "text").execute(),
      },
    });
    await database.destroy();
    const opening = openDatabase(file);
    expect(await code(opening)).toBe("DATA_DIRECTORY_INVALID");
    await expect(opening).rejects.toThrow("9999_future");
  });

  test("one that fails leaves nothing behind", async () => {
    const database = await openTemporary();
    const broken = {
      ...MIGRATIONS,
      "9998_half": {
        up: (db: Database) => db.schema.createTable("half").addColumn("a", "text").execute(),
      },
      "9999_broken": {
        up: async () => {
          throw new Error("broken migration");
        },
      },
    };
    await expect(migrate(database, broken)).rejects.toThrow("broken migration");
    const tables = (await database.introspection.getTables()).map((table) => table.name);
    expect(tables).not.toContain("half");
    await migrate(database); // as before
  });

  test("every unique key has the tenant in it", async () => {
    const database = await openTemporary();
    const { rows } = await sql<{ table: string; columns: string }>`
      select m.name as "table", group_concat(c.name) as columns
      from sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c
      where m.type = 'table' and i."unique" = 1 and m.name not like 'schema_%' group by m.name, i.name`.execute(
      database,
    );
    expect(rows.length).toBeGreaterThanOrEqual(8);
    expect(rows.filter((row) => !row.columns.split(",").includes("tenant"))).toEqual([]);
  });
});

describe("a file lock", () => {
  test("has one holder at a time", async () => {
    const file = path.join(await temporaryDirectory(), "lock.db");
    expect(isFileLocked(file)).toBe(false);
    const lock = acquireFileLock(file, 0);
    expect(lock).not.toBeNull();
    expect(isFileLocked(file)).toBe(true);
    expect(acquireFileLock(file, 0)).toBeNull();
    expect(isFileLocked(file)).toBe(true); // asking did not let it go
    lock!.release();
    expect(isFileLocked(file)).toBe(false);
    acquireFileLock(file, 0)!.release();
  });

  test("is given back by the kernel when its holder is killed", async () => {
    const file = path.join(await temporaryDirectory(), "lock.db");
    const module_ = new URL("./database.ts", import.meta.url).href;
    const program = `import { acquireFileLock } from ${JSON.stringify(module_)};
      if (acquireFileLock(${JSON.stringify(file)}, 0) === null) throw new Error("locked");
      console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--conditions=source", "--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    expect(isFileLocked(file)).toBe(true);
    expect(acquireFileLock(file, 0)).toBeNull();
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    expect(isFileLocked(file)).toBe(false);
    acquireFileLock(file, 0)!.release();
  });
});
