// eachBatch, and what it is given.
import type { EachBatchPayload } from '../types.ts'
import type { Decoder } from './handler.ts'
import { TakenBatch } from './taken-batch.ts'
import { isThenable, type Outcome, type Work, type WorkWorld } from './work.ts'

/** How batches are handled. */
export interface BatchSettings {
  readonly handler: (payload: EachBatchPayload) => unknown
  readonly autoResolve: boolean
  readonly decoder: Decoder | null
}

/**
 * Calls the handler once for all messages; with deserializers, for those before the first that cannot be deserialized, whose error is
 * thrown when it comes first.
 *
 * With autoResolve the batch is resolved when the handler returns, unless a handler was told by isRunning or isStale to stop: then only
 * what it resolved itself counts, so that nothing is skipped that it left out.
 */
export async function handleBatch(settings: BatchSettings, work: Work, world: WorkWorld): Promise<Outcome> {
  const { owned, version, taken, hold } = work
  const messages = settings.decoder === null ? work.messages : await decodedMessages(settings.decoder, work)
  const whole = messages.length === work.messages.length
  const lastOffset = Number(messages.at(-1)?.offset ?? taken.nextOffset - 1)
  const next = whole ? taken.nextOffset : lastOffset + 1
  const { topic, partition, highWatermark, fetchOffset } = taken
  const batch = new TakenBatch({ topic, partition, highWatermark, fetchOffset, nextOffset: next }, messages)
  let told = false
  const outcome: unknown = settings.handler({
    batch,
    resolveOffset: offset => {
      if (owned.version !== version) return
      const number = Number(offset)
      if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`Invalid offset ${offset}`)
      owned.resolve(number === lastOffset ? next : number + 1)
      hold?.sign()
    },
    heartbeat: () => {
      hold?.sign()
      return world.heartbeat()
    },
    pause: () => world.pause(owned),
    commitOffsetsIfNecessary: offsets => world.commitIfNecessary(offsets),
    uncommittedOffsets: () => world.uncommitted(),
    isRunning: () => {
      told ||= !world.isRunning()
      return world.isRunning()
    },
    isStale: () => {
      const stale = !owned.isCurrent(version)
      told ||= stale
      return stale
    },
    signal: owned.signal,
  })
  if (isThenable(outcome)) await outcome
  if (owned.version !== version) return 'left'
  if (settings.autoResolve && !told) {
    owned.resolve(next)
  }
  return whole && owned.resolved === taken.nextOffset ? 'done' : 'left'
}

async function decodedMessages(decoder: Decoder, work: Work): Promise<Work['messages']> {
  const messages: Work['messages'] = []
  for (const message of work.messages) {
    try {
      messages.push(await decoder.message(work.owned.topic, work.owned.partition, message))
    } catch (error) {
      if (messages.length === 0) throw error
      break
    }
  }
  return messages
}
