import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BY, errorOf, openTestRegistry, sampleModel, temporaryDirectory } from "../../../test/support/registry.ts";
import { listRepository } from "./repository-directory.ts";

/** Writes files by their path relative to a fresh directory; a path that ends in "/" is an empty folder. */
async function repository(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const directory = await temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name);
    await mkdir(name.endsWith("/") ? file : path.dirname(file), { recursive: true });
    if (!name.endsWith("/")) await writeFile(file, content);
  }
  return directory;
}

describe("a repository directory", () => {
  test("is listed by name and number; what is no model is noted", async () => {
    const directory = await repository({
      "digits/1/model.onnx": "",
      "digits/10/model.onnx": "",
      "digits/2/model.onnx/model.onnx": "",
      "digits/2/model.onnx/weights.bin": "",
      "digits/config.pbtxt": "",
      "digits/labels.txt": "",
      "digits/notes/readme.md": "",
      "digits/0/model.onnx": "",
      "digits/03/model.onnx": "",
      "faces/1/model.plan": "",
      "empty/": "",
      "only-config/config.pbtxt": "",
      "bad name/1/model.onnx": "",
      "README.md": "",
      ".git/1/model.onnx": "",
    });
    const { entries, notes } = await listRepository(directory);
    expect(entries).toEqual([
      { name: "digits", number: 1, file: path.join(directory, "digits/1/model.onnx") },
      { name: "digits", number: 2, file: path.join(directory, "digits/2/model.onnx/model.onnx") },
      { name: "digits", number: 10, file: path.join(directory, "digits/10/model.onnx") },
    ]);
    const at = (severity: string) => notes.filter((note) => note.severity === severity).map((note) => note.path);
    expect(at("error")).toEqual(["bad name", "empty", "faces/1", "only-config"]);
    expect(at("info")).toEqual([
      "README.md",
      "digits/0",
      "digits/03",
      "digits/config.pbtxt",
      "digits/labels.txt",
      "digits/notes",
      "only-config/config.pbtxt",
    ]);
    expect(notes.find((note) => note.path === "faces/1")?.text).toBe("has no model.onnx");
  });

  test("reaches nothing through links and opens no pipes", async () => {
    const outside = await repository({ "secret/1/model.onnx": "", "model.onnx": "" });
    const directory = await repository({ "a/1/": "", "b/": "", "c/1/": "", "d/1/model.onnx/": "" });
    await symlink(path.join(outside, "model.onnx"), path.join(directory, "a/1/model.onnx"));
    await symlink(path.join(outside, "secret/1"), path.join(directory, "b/1"));
    await symlink(path.join(outside, "secret"), path.join(directory, "linked"));
    await symlink(path.join(outside, "model.onnx"), path.join(directory, "d/1/model.onnx/model.onnx"));
    if (process.platform !== "win32") execFileSync("mkfifo", [path.join(directory, "c/1/model.onnx")]);
    const { entries, notes } = await listRepository(directory);
    expect(entries).toEqual([]);
    const errors = notes.filter((note) => note.severity === "error").map((note) => note.path);
    expect(errors).toEqual(["a/1", "b/1", "b", "c/1", "d/1", "linked"]);
  });

  test("that can't be listed is an error", async () => {
    const directory = await repository({ file: "" });
    expect((await errorOf(listRepository(path.join(directory, "file")))).code).toBe("FILE_UNREADABLE");
    expect((await errorOf(listRepository(path.join(directory, "none")))).message).toContain("does not exist");
  });

  test("imports under its own numbers, again without effect, and refuses what changed in place", async () => {
    const { registry } = await openTestRegistry();
    const directory = await repository({
      "adder/1/model.onnx": sampleModel(1),
      "adder/4/model.onnx": sampleModel(4),
      "adder/7/model.onnx": sampleModel(1), // the same again under a higher number
    });
    const importAll = async () => {
      const results = [];
      for (const { name, number, file } of (await listRepository(directory)).entries) {
        const facts = { ...BY, processing: null, source: file, note: null, limitBytes: null };
        results.push(await registry.importFile({ ...facts, name, number, file }));
      }
      return results;
    };
    expect((await importAll()).map(({ version, isNew }) => [version.number, isNew])).toEqual([
      [1, true],
      [4, true],
      [7, true],
    ]);
    expect((await importAll()).map(({ isNew }) => isNew)).toEqual([false, false, false]);
    await rm(path.join(directory, "adder/4/model.onnx"));
    await writeFile(path.join(directory, "adder/4/model.onnx"), sampleModel(5));
    const error = await errorOf(importAll());
    expect(error.code).toBe("STATE_CONFLICT");
    expect(error.message).toContain("adder@4");
  });
});
