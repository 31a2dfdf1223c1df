import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ModelFile, readModelFiles } from "./model-files.ts";

const HEADER = Buffer.alloc(64, 7);
const PAYLOAD = Buffer.from("the bytes of a model");
const sha256 = createHash("sha256").update(PAYLOAD).digest("hex");

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "slipway-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function stored(bytes: Uint8Array, more: Partial<ModelFile> = {}): Promise<ModelFile> {
  const file = path.join(directory, "blob");
  await writeFile(file, Buffer.concat([HEADER, bytes]));
  return { name: "model.onnx", path: file, offset: HEADER.length, sizeBytes: PAYLOAD.length, ...more };
}

const read = async (model: ModelFile) => Buffer.from((await readModelFiles({ model, externalData: [] })).model);

describe("a model's files", () => {
  it("are read from where their payload begins, with and without a hash to check", async () => {
    expect(await read(await stored(PAYLOAD, { sha256 }))).toEqual(PAYLOAD);
    expect(await read(await stored(PAYLOAD))).toEqual(PAYLOAD);
  });

  it("with any bit changed are not loaded", async () => {
    for (let bit = 0; bit < 8 * PAYLOAD.length; bit += 7) {
      const damaged = Buffer.from(PAYLOAD);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      await expect(read(await stored(damaged, { sha256 }))).rejects.toMatchObject({
        code: "BLOB_CORRUPT",
        message: expect.stringContaining("model.onnx"),
      });
    }
  });

  it("that are short or gone are not loaded", async () => {
    await expect(read(await stored(PAYLOAD.subarray(1)))).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    const gone = { ...(await stored(PAYLOAD)), path: path.join(directory, "none") };
    await expect(read(gone)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
  });
});
