// Which bytes an object was read from. Objects of the graph are immutable, so one that still is the same object still
// means the same bytes, and writing copies them; a changed one is another object, and is encoded anew.
import type { ByteSource } from "#graph";

/** A constructor that answers the object it is given, so that a subclass adds its private field to that object. */
const Given = function (this: unknown, object: object): object {
  return object;
} as unknown as new (
  object: object,
) => object;

// A private field is what is needed: it does not come along when an object is spread into a new one, nothing else sees
// it, and a million of them take a third of the time of a million WeakMap entries (measured).
class Stamped extends Given {
  readonly #origin: ByteSource;

  constructor(object: object, origin: ByteSource) {
    super(object);
    this.#origin = origin;
  }

  static originOf(object: object): ByteSource | undefined {
    return #origin in object ? object.#origin : undefined;
  }
}

/** Remembers the bytes an object was read from; an object is given here once. */
export function withOrigin<T extends object>(object: T, bytes: ByteSource): T {
  return new Stamped(object, bytes) as T;
}

/** The bytes an object was read from; undefined for one made in memory. */
export function originOf(object: object): ByteSource | undefined {
  return Stamped.originOf(object);
}
