// What can go wrong with a compressed body: it is malformed, or it would become larger than allowed.

import { ErrorCode, KafkaError } from '../../errors.ts'

/** A body that cannot be decompressed. The sender's mistake, which sending again does not mend: INVALID_RECORD. */
export const malformed = (name: string, cause: unknown): KafkaError => {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new KafkaError(ErrorCode.INVALID_RECORD, `A ${name} body cannot be decompressed: ${why}`)
}

/** A body that would become larger than allowed. Java's producer splits a batch on MESSAGE_TOO_LARGE, which is what helps here. */
export const tooLarge = (name: string, maxOutputLength: number): KafkaError =>
  new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, `A ${name} body has more than ${maxOutputLength} bytes when it is decompressed`)
