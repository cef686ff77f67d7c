// Reading the fixed header fields of record batches without making an object of them.

/** Bytes before the records of a magic 2 batch. */
export const BATCH_HEADER_BYTES = 61
/** Bytes of `baseOffset` and `batchLength`, which every magic has. */
export const LOG_OVERHEAD_BYTES = 12

/** A signed 64-bit number as a double; exact to 2^53. */
export const int64At = (view: DataView, at: number): number => view.getInt32(at) * 4_294_967_296 + view.getUint32(at + 4)
