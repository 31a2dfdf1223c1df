// Arrays for the joined inputs of a batch, used again batch after batch: a run has read its inputs when it ends, and
// allocating them anew each time costs more than copying the rows.
import { createData, type NumericData, type NumericDType } from "@slipway/core/tensor";

export class ArrayPool {
  #free: NumericData[] = [];
  #taken: NumericData[] = [];

  /** Gives back everything taken. */
  reuse(): void {
    this.#free = this.#taken;
    this.#taken = [];
  }

  readonly take = (dtype: NumericDType, length: number): NumericData => {
    const sample = createData(dtype, 0);
    const size = length * sample.BYTES_PER_ELEMENT;
    const index = this.#free.findIndex(
      (data) => data.constructor === sample.constructor && data.buffer.byteLength >= size,
    );
    const found = index === -1 ? undefined : this.#free.splice(index, 1)[0]!;
    const whole = found ?? createData(dtype, Math.ceil(length * 1.25));
    this.#taken.push(whole);
    return whole.length === length ? whole : whole.subarray(0, length);
  };
}
