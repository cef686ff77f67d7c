// Fills a broker of either kind with everything that its logs can hold.
import { findCoordinatorApi } from '@ottla/protocol'
import { Wire } from '../wire.ts'
import { ask, createTopic } from './asking.ts'
import { commit, fillGoneGroups, fillGroups, type LivingMembers } from './fill-groups.ts'
import { fillTopics, type Idempotent, produce } from './fill-topics.ts'
import { expireTransactionalId, fillLastTransaction, fillTransactions, type TransactionalProducer } from './fill-transactions.ts'

/** Settings for the whole time. */
export const settings: Readonly<Record<string, string>> = {
  'offsets.topic.num.partitions': '3',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '3',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.consumer.assignment.interval.ms': '0',
  'group.consumer.max.session.timeout.ms': '600000',
  'group.consumer.session.timeout.ms': '600000',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
  'log.cleaner.backoff.ms': '100',
  'log.cleaner.dedupe.buffer.size': '4194304',
}

/** Settings for the first start, so that what may expire does. */
export const expirySettings: Readonly<Record<string, string>> = {
  'offsets.retention.check.interval.ms': '200',
  'transactional.id.expiration.ms': '500',
  'transaction.remove.expired.transaction.cleanup.interval.ms': '200',
}

/** What can go on where the logs are loaded. */
export interface Filled {
  readonly members: LivingMembers
  readonly open: readonly TransactionalProducer[]
  readonly idempotent: Idempotent
}

async function coordinators(wire: Wire): Promise<void> {
  for (const keyType of [0, 1])
    await ask(wire, { api: findCoordinatorApi, version: 3, body: { key: 'any', keyType }, errors: ({ errorCode }) => [errorCode] })
}

/** With `expirySettings`. */
export async function fillWhatExpires(port: number): Promise<void> {
  await using wire = await Wire.connect(port)
  await createTopic(wire, 'positions', 8)
  await coordinators(wire)
  await fillGoneGroups(wire)
  await expireTransactionalId(wire)
}

/** After a restart without them. */
export async function fillTheRest(port: number): Promise<Filled> {
  await using wire = await Wire.connect(port)
  await coordinators(wire)
  await createTopic(wire, 'moves', 2)
  await createTopic(wire, 'last-moves', 1)
  const [members, idempotent] = await Promise.all([fillGroups(port), fillTopics(wire)])
  return { members, idempotent, ...(await fillTransactions(wire)) }
}

/** What is written before the process is killed. */
export async function fillLast(port: number, { idempotent }: Filled): Promise<void> {
  await using wire = await Wire.connect(port)
  await coordinators(wire)
  const { producerId, producerEpoch, last } = idempotent
  const records = [{ key: 'after', value: 'the restart' }]
  for (const index of [0, 1]) {
    const baseSequence = index === 1 ? last.baseSequence + last.records.length : 0
    await produce(wire, { topic: 'plain', index }, { producerId, producerEpoch, baseSequence, records })
  }
  await commit(wire, 'simple', [{ index: 0, offset: 200, metadata: 'after the restart' }])
  await fillLastTransaction(wire)
}
