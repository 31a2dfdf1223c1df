// Which bytes an object was read from. Objects of the graph are immutable, so one that still is the same object still
// means the same bytes, and writing copies them; a changed one is another object, and is encoded anew.
import type { ByteSource } from "#graph";

const origins = new WeakMap<object, ByteSource>();

/** Remembers the bytes an object was read from. */
export function withOrigin<T extends object>(object: T, bytes: ByteSource): T {
  origins.set(object, bytes);
  return object;
}

/** The bytes an object was read from; undefined for one made in memory. */
export function originOf(object: object): ByteSource | undefined {
  return origins.get(object);
}
