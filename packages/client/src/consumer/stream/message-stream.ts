// A consumer as an async iterator of messages: the batches of a BatchStream, one message after the other. A message is resolved when the
// loop asks for the next one.
import type { EachBatchPayload, EachMessagePayload } from '../types.ts'

/** The messages of batches, which must not resolve themselves. */
export async function* messagesIn(batches: AsyncIterable<EachBatchPayload>): AsyncGenerator<EachMessagePayload, undefined> {
  for await (const payload of batches) {
    const { batch, signal } = payload
    const heartbeat = (): Promise<void> => payload.heartbeat()
    const { topic, partition } = batch
    let paused = false
    const pause = (): (() => void) => {
      paused = true
      const resume = payload.pause()
      return () => {
        paused = false
        resume()
      }
    }
    for (const message of batch.messages) {
      if (!payload.isRunning() || payload.isStale() || paused) break
      yield { topic, partition, message, heartbeat, pause, signal }
      payload.resolveOffset(message.offset)
      await payload.commitOffsetsIfNecessary()
    }
  }
  return undefined
}
