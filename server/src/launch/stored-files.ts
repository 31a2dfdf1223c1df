// Where the files of a stored model lie, for those who read them by themselves.
import type { Model } from "#registry";
import type { ModelFiles } from "#runtime";
import type { BlobStore } from "#store";

/** @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT */
export async function storedFiles(model: Model, blobs: Pick<BlobStore, "place">): Promise<ModelFiles> {
  const files = await Promise.all(
    model.files.map(async (file) => {
      const { path, offset, sizeBytes } = await blobs.place(file.hash);
      return { name: file.path, path, offset, sizeBytes, sha256: file.hash };
    }),
  );
  return {
    model: files.find(({ name }) => name === model.mainFile)!,
    externalData: files.filter(({ name }) => name !== model.mainFile),
  };
}
