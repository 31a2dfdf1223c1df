// External data: weights in files beside the model. Here are the checks that need no file system; whoever opens the
// files also refuses links, hard links and anything that is not a regular file.
import { SlipwayError } from "#base";
import {
  type ExternalReference,
  type Initializer,
  initializerSizeBytes,
  type Metadata,
  type Model,
  tensorsOfModel,
} from "#graph";

/** Where data starts in a file we write, so that it can be mapped into memory. */
export const EXTERNAL_ALIGNMENT_BYTES = 4096;

/**
 * The reference a tensor's `external_data` entries make, with a location that is safe as a relative path.
 * @throws SlipwayError MODEL_UNSAFE for an unsafe location, MODEL_INVALID for numbers that are none
 */
export function externalReference(tensorName: string, entries: Metadata): ExternalReference {
  const location = entries.get("location") ?? "";
  assertSafeLocation(tensorName, location);
  const others = new Map(entries);
  for (const key of ["location", "offset", "length", "checksum"]) others.delete(key);
  if (others.has("basepath")) {
    throw new SlipwayError(
      "MODEL_UNSAFE",
      `Tensor '${tensorName}' sets the directory of its external data ('basepath').`,
    );
  }
  return {
    location,
    offset: wholeNumber(tensorName, "offset", entries.get("offset")) ?? 0,
    length: wholeNumber(tensorName, "length", entries.get("length")),
    checksum: entries.get("checksum") ?? null,
    others,
  };
}

function wholeNumber(tensorName: string, key: string, text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new SlipwayError(
      "MODEL_INVALID",
      `Tensor '${tensorName}' has the external ${key} '${text}'; a whole number is needed.`,
    );
  }
  return value;
}

/**
 * Refuses a location that could reach outside the model's own directory, on any operating system, or that ONNX Runtime
 * takes for an address in memory.
 * @throws SlipwayError MODEL_UNSAFE
 */
export function assertSafeLocation(tensorName: string, location: string): void {
  const reason = unsafeReason(location);
  if (reason === null) return;
  throw new SlipwayError(
    "MODEL_UNSAFE",
    `Tensor '${tensorName}' refers to the external file '${location.slice(0, 200)}', which ${reason}. ` +
      "Keep external data beside the model and name it by a plain relative path.",
  );
}

/** Why a location is not safe as a relative path, or null where it is. */
export function unsafeReason(location: string): string | null {
  if (location === "") return "is empty";
  if (location.includes("_ORT_MEM_ADDR_")) return "stands for an address in memory";
  if (location.length > 1024) return "is longer than 1024 characters";
  // A control character (NUL above all) may end the path early for one reader and not for another.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(location)) return "has a control character";
  if (location.includes("\\")) return "has a backslash";
  if (location.includes(":")) return "has a colon (a drive letter, address or stream)";
  if (location.startsWith("/")) return "is absolute";
  for (const part of location.split("/")) {
    if (part === "") return "has an empty part";
    if (part === "." || part === "..") return `has the part '${part}'`;
    if (part.endsWith(" ") || part.endsWith(".")) return "has a part that ends in a dot or blank";
  }
  return null;
}

/** A file a model's weights lie in. */
export interface ExternalFile {
  /** A relative path, checked to be safe as one; its separators are slashes. */
  readonly location: string;
  /** Bytes the file must have for every tensor to lie inside it. */
  readonly minimumBytes: number;
  readonly tensorCount: number;
}

/**
 * The files a model refers to, over every place a tensor can be.
 * @throws SlipwayError MODEL_INVALID for a stated length that does not fit the tensor
 */
export function externalFilesOf(model: Model): readonly ExternalFile[] {
  const files = new Map<string, { location: string; minimumBytes: number; tensorCount: number }>();
  for (const { tensor } of tensorsOfModel(model)) {
    if (tensor.data.kind !== "external") continue;
    const { reference } = tensor.data;
    const file = files.get(reference.location) ?? { location: reference.location, minimumBytes: 0, tensorCount: 0 };
    file.minimumBytes = Math.max(file.minimumBytes, reference.offset + externalSizeBytes(tensor, reference));
    file.tensorCount++;
    files.set(reference.location, file);
  }
  return Array.from(files.values()).sort((a, b) => (a.location < b.location ? -1 : 1));
}

/** Bytes of a tensor's external data: what its shape takes, which a stated length must agree with. */
function externalSizeBytes(tensor: Initializer, reference: ExternalReference): number {
  const sizeBytes = initializerSizeBytes(tensor);
  if (sizeBytes === null) {
    throw new SlipwayError("MODEL_INVALID", `Tensor '${tensor.name}' of strings can't lie in an external file.`);
  }
  if (reference.length !== null && reference.length !== sizeBytes) {
    throw new SlipwayError(
      "MODEL_INVALID",
      `Tensor '${tensor.name}' takes ${sizeBytes} bytes, but its external data has ${reference.length}.`,
    );
  }
  return sizeBytes;
}
