import { execFileSync } from "node:child_process";
import { link, mkdir, readFile, rename, symlink, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { beforeEach, describe, expect, test } from "vitest";
import {
  BY,
  errorOf,
  hashOf,
  openTestRegistry,
  sampleModel,
  sampleModelWithExternalData,
  type TestRegistry,
  temporaryDirectory,
} from "../../../test/support/registry.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Candidate } from "./import.ts";

const FACTS = { ...BY, name: "m", processing: null, source: "test", note: null, number: null };
const WEIGHTS = Buffer.from(Float32Array.of(0.5).buffer);

let opened: TestRegistry;
let folder: string;
beforeEach(async () => {
  opened = await openTestRegistry();
  folder = path.join(await temporaryDirectory(), "model");
  await mkdir(folder);
});

const importHere = (name = "model.onnx", limitBytes: number | null = null) =>
  opened.registry.importFile({ ...FACTS, file: path.join(folder, name), limitBytes });
const write = (name: string, bytes: Uint8Array) => writeFile(path.join(folder, name), bytes);

async function storedHashes(): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { hash } of opened.store.blobs.list()) hashes.push(hash);
  for await (const { id } of opened.store.blobs.leftovers()) hashes.push(`leftover ${id}`);
  return hashes;
}

/** The import fails with this code, and neither bytes nor rows stay behind. */
async function refuses(code: string, importing: Promise<unknown> = importHere()): Promise<SlipwayError> {
  const error = await errorOf(importing);
  expect(error.code, error.message).toBe(code);
  expect(await storedHashes()).toEqual([]);
  expect(await opened.registry.listVersions()).toEqual([]);
  expect(await opened.registry.listDecisions({ limit: 1 })).toEqual([]);
  return error;
}

describe("importing a file", () => {
  test("keeps its very bytes, named by their hash", async () => {
    const bytes = sampleModel(1);
    await write("model.onnx", bytes);
    const { model, version, isNew } = await importHere();
    expect(isNew).toBe(true);
    expect(model.hash).toBe(hashOf(bytes));
    expect(version).toMatchObject({ name: "m", number: 1, modelHash: model.hash });
    expect(Buffer.from(await opened.store.blobs.read(model.files[0]!.hash)).equals(bytes)).toBe(true);
  });

  test("again answers the version there is, and writes nothing", async () => {
    await write("model.onnx", sampleModel(1));
    await write("copy.onnx", sampleModel(1));
    const first = await importHere();
    const second = await importHere("copy.onnx");
    expect(second).toEqual({ ...first, isNew: false });
    expect((await storedHashes()).length).toBe(1);
    expect((await opened.registry.listDecisions({ limit: 9 })).length).toBe(1);
  });

  test("heals a damaged copy", async () => {
    await write("model.onnx", sampleModel(1));
    const { model } = await importHere();
    const { path: blob } = await opened.store.blobs.place(model.hash);
    const stored = await readFile(blob);
    stored[4096 + 20]! ^= 1;
    await writeFile(blob, stored);
    await importHere();
    await opened.store.blobs.verify(model.hash);
  });

  test("may be named through a link: that is the user's choice", async () => {
    await write("real.onnx", sampleModel(1));
    await symlink(path.join(folder, "real.onnx"), path.join(folder, "model.onnx"));
    expect((await importHere()).isNew).toBe(true);
  });

  test("that is missing, a folder, or a pipe is refused at once", async () => {
    expect((await refuses("FILE_UNREADABLE")).message).toContain("does not exist");
    await mkdir(path.join(folder, "model.onnx"));
    await refuses("FILE_UNREADABLE");
    if (process.platform === "win32") return;
    execFileSync("mkfifo", [path.join(folder, "pipe.onnx")]);
    await refuses("FILE_UNREADABLE", importHere("pipe.onnx"));
  });

  test("that is no model is refused and not kept", async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("not a model"), sampleModel(1).subarray(0, 40)]) {
      await write("model.onnx", bytes);
      const error = await errorOf(importHere());
      expect(["MODEL_MALFORMED", "MODEL_INVALID", "MODEL_UNSUPPORTED"]).toContain(error.code);
      await refuses(error.code);
    }
  });

  test("over the limit is refused", async () => {
    const bytes = sampleModel(1);
    await write("model.onnx", bytes);
    await refuses("MODEL_TOO_LARGE", importHere("model.onnx", bytes.length - 1));
    expect((await importHere("model.onnx", bytes.length)).isNew).toBe(true);
  });

  test("that is not accepted is not kept, unless something else has it", async () => {
    await write("model.onnx", sampleModel(1));
    const seen: Candidate[] = [];
    const accept = async (candidate: Candidate) => {
      seen.push(candidate);
      await opened.store.blobs.verify(candidate.hash); // what will be served lies there already
      throw new SlipwayError("MODEL_LOAD_FAILED", "The trial run failed.");
    };
    const request = { ...FACTS, file: path.join(folder, "model.onnx"), limitBytes: null, accept };
    await refuses("MODEL_LOAD_FAILED", opened.registry.importFile(request));
    expect(seen[0]!.scan.signature.outputs.map(({ name }) => name)).toEqual(["y"]);
    await importHere();
    expect((await errorOf(opened.registry.importFile({ ...request, name: "other" }))).code).toBe("MODEL_LOAD_FAILED");
    expect((await storedHashes()).length).toBe(1);
  });
});

test("an import that fails leaves the bytes to one that needs them and succeeded meanwhile", async () => {
  await write("model.onnx", sampleModel(1));
  const accept = async () => {
    await importHere();
    throw new SlipwayError("MODEL_LOAD_FAILED", "The trial run failed.");
  };
  const request = { ...FACTS, name: "other", file: path.join(folder, "model.onnx"), limitBytes: null, accept };
  expect((await errorOf(opened.registry.importFile(request))).code).toBe("MODEL_LOAD_FAILED");
  await opened.store.blobs.verify(hashOf(sampleModel(1)));
});

describe("external data", () => {
  test("comes along, and the model is named by all of it", async () => {
    await mkdir(path.join(folder, "weights"));
    await write("model.onnx", sampleModelWithExternalData("weights/w.bin", 4));
    await write("weights/w.bin", Buffer.concat([Buffer.alloc(4), WEIGHTS]));
    const { model } = await importHere();
    const main = hashOf(sampleModelWithExternalData("weights/w.bin", 4));
    const weights = hashOf(Buffer.concat([Buffer.alloc(4), WEIGHTS]));
    const externalData = [{ path: "weights/w.bin", hash: weights, sizeBytes: 8 }];
    expect(model.hash).toBe(hashOf(Buffer.from(canonicalJson({ manifest: 1, main, externalData }))));
    expect(model.files.map((file) => [file.path, file.hash])).toEqual([
      ["model.onnx", main],
      ["weights/w.bin", weights],
    ]);
    await write("weights/w.bin", Buffer.concat([Buffer.alloc(4), Buffer.from(Float32Array.of(0.25).buffer)]));
    expect((await importHere()).version.number).toBe(2);
    await rename(path.join(folder, "model.onnx"), path.join(folder, "renamed.onnx"));
    expect((await importHere("renamed.onnx")).isNew).toBe(false); // the name of the ONNX file does not matter
  });

  const outside: readonly (readonly [string, string])[] = [
    ["../secret.bin", "a path upwards"],
    ["/etc/passwd", "an absolute path"],
    ["weights/../../secret.bin", "a path upwards in the middle"],
    ["..\\secret.bin", "a path upwards on Windows"],
    ["C:\\secret.bin", "a drive"],
    ["", "nothing"],
  ];
  test.each(outside)("named %j (%s) is refused", async (location) => {
    await write("model.onnx", sampleModelWithExternalData(location));
    await writeFile(path.join(folder, "..", "secret.bin"), WEIGHTS);
    await refuses("MODEL_UNSAFE");
  });

  test("that is a link, lies behind one, or has a second name is refused", async () => {
    const elsewhere = await temporaryDirectory();
    await writeFile(path.join(elsewhere, "w.bin"), WEIGHTS);
    await write("model.onnx", sampleModelWithExternalData("w.bin"));
    await symlink(path.join(elsewhere, "w.bin"), path.join(folder, "w.bin"));
    expect((await refuses("MODEL_UNSAFE")).message).toContain("symbolic link");
    await write("model.onnx", sampleModelWithExternalData("there/w.bin"));
    await symlink(elsewhere, path.join(folder, "there"));
    expect((await refuses("MODEL_UNSAFE")).message).toContain("symbolic link");
    await write("model.onnx", sampleModelWithExternalData("hard.bin"));
    await link(path.join(elsewhere, "w.bin"), path.join(folder, "hard.bin"));
    expect((await refuses("MODEL_UNSAFE")).message).toContain("hard link");
  });

  test("that is missing, a folder, a pipe or too short is refused", async () => {
    await write("model.onnx", sampleModelWithExternalData("w.bin", 4));
    expect((await refuses("FILE_UNREADABLE")).message).toContain("beside the model");
    await write("w.bin", Buffer.concat([Buffer.alloc(4), WEIGHTS]));
    await truncate(path.join(folder, "w.bin"), 7);
    expect((await refuses("MODEL_INVALID")).message).toContain("7 bytes");
    await write("model.onnx", sampleModelWithExternalData("folder"));
    await mkdir(path.join(folder, "folder"));
    await refuses("FILE_UNREADABLE");
    await write("model.onnx", sampleModelWithExternalData("model.onnx"));
    await refuses("MODEL_UNSAFE");
    if (process.platform === "win32") return;
    await write("model.onnx", sampleModelWithExternalData("pipe"));
    execFileSync("mkfifo", [path.join(folder, "pipe")]);
    await refuses("FILE_UNREADABLE");
  });
});

describe("importing what is stored", () => {
  const put = async (bytes: Uint8Array) => (await opened.registry.putBlob(bytes, { expectedHash: hashOf(bytes) })).hash;
  const importStored = (files: readonly { path: string; hash: string }[], mainFile = "model.onnx") =>
    opened.registry.importStored({ ...FACTS, files, mainFile });

  test("makes the same model as importing the files", async () => {
    const main = await put(sampleModelWithExternalData("w.bin"));
    const weights = await put(WEIGHTS);
    const stored = await importStored([
      { path: "w.bin", hash: weights },
      { path: "model.onnx", hash: main },
    ]);
    await write("model.onnx", sampleModelWithExternalData("w.bin"));
    await write("w.bin", WEIGHTS);
    expect(await importHere()).toEqual({ ...stored, isNew: false });
    expect(await opened.registry.hasBlob(main)).toBe(true);
  });

  test("needs every file the model names, and no other", async () => {
    const main = await put(sampleModelWithExternalData("w.bin"));
    const weights = await put(WEIGHTS);
    const file = (path: string, hash: string) => ({ path, hash });
    const codeOf = async (files: readonly { path: string; hash: string }[], mainFile?: string) =>
      (await errorOf(importStored(files, mainFile))).code;
    expect(await codeOf([file("model.onnx", main)])).toBe("REQUEST_MALFORMED");
    expect(await codeOf([file("model.onnx", main), file("v.bin", weights)])).toBe("REQUEST_MALFORMED");
    expect(await codeOf([file("model.onnx", main), file("w.bin", weights), file("v.bin", weights)])).toBe(
      "REQUEST_MALFORMED",
    );
    expect(await codeOf([file("model.onnx", main), file("model.onnx", weights)])).toBe("REQUEST_MALFORMED");
    expect(await codeOf([file("w.bin", weights)])).toBe("REQUEST_MALFORMED");
    expect(await codeOf([file("model.onnx", "abc")])).toBe("REQUEST_MALFORMED");
    expect(await codeOf([file("../model.onnx", main)], "../model.onnx")).toBe("MODEL_UNSAFE");
    expect(await codeOf([file("model.onnx", "0".repeat(64))])).toBe("BLOB_NOT_FOUND");
    expect(await opened.registry.listVersions()).toEqual([]);
    expect((await storedHashes()).length).toBe(2); // sent ahead: kept for the next try, until collected
  });

  test("refuses a model that takes its weights from its own file", async () => {
    const main = await put(sampleModelWithExternalData("model.onnx"));
    const error = await errorOf(importStored([{ path: "model.onnx", hash: main }]));
    expect(error.code).toBe("MODEL_UNSAFE");
  });

  test("refuses bytes that are not what was announced", async () => {
    const putting = opened.registry.putBlob(sampleModel(1), { expectedHash: hashOf(sampleModel(2)) });
    expect((await errorOf(putting)).code).toBe("REQUEST_MALFORMED");
    expect(await opened.registry.hasBlob(hashOf(sampleModel(1)))).toBe(false);
  });
});
