// The attributes of a node, read in the form an operator's code wants; what rules of operators stand on.
import { floatOf, intOf, intsOf, stringOf, stringsOf } from "./attributes.ts";
import type { Node } from "./model.ts";

export class AttributeReader {
  readonly node: Node;

  constructor(node: Node) {
    this.node = node;
  }

  int(name: string, fallback: number): number {
    return intOf(this.node, name, fallback);
  }

  ints(name: string): readonly number[] | undefined {
    return intsOf(this.node, name, undefined);
  }

  float(name: string, fallback: number): number {
    return floatOf(this.node, name, fallback);
  }

  string(name: string, fallback: string): string {
    return stringOf(this.node, name, fallback);
  }

  strings(name: string): readonly string[] | undefined {
    return stringsOf(this.node, name, undefined);
  }
}
