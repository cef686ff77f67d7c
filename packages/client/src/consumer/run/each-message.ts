// eachMessage, one message of a partition after the other.
import type { MessageContext, MessageHandler } from './handler.ts'
import type { Hold } from './poll-watch.ts'
import { isThenable, type Outcome, type Work, type WorkWorld } from './work.ts'

/** A handler that asks for one goes on. */
function heartbeat(world: WorkWorld, hold: Hold | null): Promise<void> {
  hold?.sign()
  return world.heartbeat()
}

/** The context of one message. */
export function messageContext(
  work: Work,
  message: Work['messages'][number],
  about: { world: WorkWorld; attempt: number; hold: Hold | null },
): MessageContext {
  const { owned } = work
  const { world, attempt, hold } = about
  return {
    topic: owned.topic,
    partition: owned.partition,
    message,
    heartbeat: () => heartbeat(world, hold),
    pause: () => world.pause(owned),
    signal: owned.signal,
    groupId: world.groupId,
    attempt,
    commit: () => world.commit(),
  }
}

/** Calls the handler for each message until one fails (rejects), the partition is paused, moved or given up, or the run ends. */
export async function handleMessages(handler: MessageHandler, work: Work, world: WorkWorld): Promise<Outcome> {
  const { owned, version, messages, taken, hold } = work
  const last = messages.length - 1
  const shared = { heartbeat: () => heartbeat(world, hold), pause: () => world.pause(owned), commit: () => world.commit() }
  const { topic, partition, signal } = owned
  const { groupId } = world
  for (const [at, message] of messages.entries()) {
    if (!world.isRunning() || !owned.isCurrent(version)) return 'left'
    const { attempts: attempt } = owned
    const outcome = handler({ topic, partition, message, ...shared, signal, groupId, attempt })
    if (isThenable(outcome)) await outcome
    if (owned.version !== version) return 'left'
    owned.resolve(at === last ? taken.nextOffset : Number(message.offset) + 1)
    hold?.sign()
    const commit = world.commitIfDue()
    if (commit !== undefined) await commit
    if (owned.paused && at !== last) return 'left'
  }
  if (last === -1) owned.resolve(taken.nextOffset)
  return 'done'
}
