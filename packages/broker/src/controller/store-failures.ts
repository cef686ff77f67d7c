// What clients are told when the metadata store fails.
import { type CommitResult, type MetadataStore, StoreError, type Transaction } from '@ottla/metadata'
import { ErrorCode, KafkaError } from '@ottla/protocol'

/** The error of the protocol that a client may act on, for any error of an administrative change. */
export function asKafkaError(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  if (!(error instanceof StoreError)) throw error
  // Whether the change was made is not known, or it was not: a client may look, and try again.
  return new KafkaError(ErrorCode.REQUEST_TIMED_OUT, `The metadata store did not take the change: ${error.message}`)
}

/** Commits and turns the store's errors into those of the protocol. */
export async function commitOrThrow(store: Pick<MetadataStore, 'commit'>, transaction: Transaction): Promise<CommitResult> {
  try {
    return await store.commit(transaction)
  } catch (error) {
    throw asKafkaError(error)
  }
}
