// Transactions in every state that lasts, of both versions (KIP-890), with offsets of groups in them.
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  endTxnApi,
  initProducerIdApi,
  listTransactionsApi,
  txnOffsetCommitApi,
} from '@ottla/protocol'
import type { Wire } from '../wire.ts'
import { ask, partitionErrors, until } from './asking.ts'
import { produce } from './fill-topics.ts'

const oneError = ({ errorCode }: { readonly errorCode: number }): number[] => [errorCode]

/** See `fillLastTransaction`. */
export const LAST_TRANSACTION = 'last'

/** A producer with a transactional id, as clients of the one version or the other have it. */
export class TransactionalProducer {
  readonly transactionalId: string
  readonly #wire: Wire
  readonly #version: 1 | 2
  /** Sequence by partition. */
  readonly #sequences = new Map<string, number>()
  producerId = -1
  producerEpoch = -1

  constructor(wire: Wire, transactionalId: string, version: 1 | 2) {
    this.#wire = wire
    this.transactionalId = transactionalId
    this.#version = version
  }

  /** The same producer at another broker. */
  static over(wire: Wire, other: TransactionalProducer): TransactionalProducer {
    const producer = new TransactionalProducer(wire, other.transactionalId, other.#version)
    producer.#take(other)
    return producer
  }

  async init(transactionTimeoutMs = 600_000): Promise<this> {
    const body = { transactionalId: this.transactionalId, transactionTimeoutMs, producerId: -1, producerEpoch: -1 }
    const given = await ask(this.#wire, { api: initProducerIdApi, version: 5, body, errors: oneError })
    this.#take(given)
    return this
  }

  #take({ producerId, producerEpoch }: { readonly producerId: number; readonly producerEpoch: number }): void {
    if (producerId < 0 || (producerId === this.producerId && producerEpoch === this.producerEpoch)) return
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.#sequences.clear()
  }

  /** Three records. */
  async write(topic: string, index: number): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this
    const name = `${topic}-${index}`
    if (this.#version === 1) {
      const body = {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [index] }],
      }
      await ask(this.#wire, {
        api: addPartitionsToTxnApi,
        version: 3,
        body,
        errors: answer => answer.resultsByTopicV3AndBelow.flatMap(one => one.resultsByPartition.map(two => two.partitionErrorCode)),
      })
    }
    const baseSequence = this.#sequences.get(name) ?? 0
    this.#sequences.set(name, baseSequence + 3)
    const records = [1, 2, 3].map(number => ({ key: transactionalId, value: `${transactionalId} ${number}` }))
    const place = { topic, index, version: this.#version === 1 ? 11 : 12, transactionalId }
    await produce(this.#wire, place, { producerId, producerEpoch, baseSequence, isTransactional: true, records })
  }

  /** An offset of a group, which counts when the transaction is committed. */
  async commitOffset(groupId: string, partitionIndex: number, offset: number): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this
    const isOld = this.#version === 1
    const producer = { transactionalId, groupId, producerId, producerEpoch }
    if (isOld) await ask(this.#wire, { api: addOffsetsToTxnApi, version: 3, body: producer, errors: oneError })
    const partition = { partitionIndex, committedOffset: offset, committedLeaderEpoch: 0, committedMetadata: `of ${transactionalId}` }
    const body = { ...producer, topics: [{ name: 'positions', partitions: [partition] }] }
    await ask(this.#wire, { api: txnOffsetCommitApi, version: isOld ? 3 : 5, body, errors: partitionErrors })
  }

  async end(committed: boolean): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this
    const body = { transactionalId, producerId, producerEpoch, committed }
    this.#take(await ask(this.#wire, { api: endTxnApi, version: this.#version === 1 ? 3 : 5, body, errors: oneError }))
    await until(
      async () => /Complete|undefined/.test(`${(await statesOf(this.#wire)).get(transactionalId)}`),
      `the end of ${transactionalId}`,
    )
  }
}

/** State of every transaction of a broker. */
export async function statesOf(wire: Wire): Promise<Map<string, string>> {
  const body = { stateFilters: [], producerIdFilters: [] }
  const { transactionStates } = await ask(wire, { api: listTransactionsApi, version: 0, body, errors: oneError })
  return new Map(transactionStates.map(({ transactionalId, transactionState }) => [transactionalId, transactionState]))
}

/** A transactional id that nobody uses until it expires, where that is soon. */
export async function expireTransactionalId(wire: Wire): Promise<void> {
  await new TransactionalProducer(wire, 'forgotten', 2).init()
  await until(async () => !(await statesOf(wire)).has('forgotten'), 'the expiry of a transactional id')
}

/** All others. `moves` has two partitions, `positions` eight; the transactions that stay open are given back. */
export async function fillTransactions(wire: Wire): Promise<{ readonly open: readonly TransactionalProducer[] }> {
  const expired = await new TransactionalProducer(wire, 'expired', 2).init(1000)
  await expired.write('moves', 0)
  await expired.commitOffset('of-transactions', 0, 5)
  for (const version of [1, 2] as const) {
    for (const committed of [true, false]) {
      const name = `${committed ? 'committed' : 'aborted'}-${version}`
      const producer = await new TransactionalProducer(wire, name, version).init()
      for (let round = 0; round < 2; round++) {
        await producer.write('moves', 0)
        await producer.write('moves', 1)
        await producer.commitOffset('of-transactions', version * 2 + (committed ? 1 : 0), 10 + round)
        await producer.end(committed)
      }
    }
  }
  await new TransactionalProducer(wire, 'never-used', 2).init()
  const fenced = await new TransactionalProducer(wire, 'fenced', 2).init()
  await fenced.write('moves', 0)
  await new TransactionalProducer(wire, 'fenced', 2).init()
  await until(async () => (await statesOf(wire)).get('expired') === 'CompleteAbort', 'the end of a transaction that took too long')
  const open: TransactionalProducer[] = []
  for (const version of [1, 2] as const) {
    const producer = await new TransactionalProducer(wire, `open-${version}`, version).init()
    await producer.write('moves', version - 1)
    await producer.write('moves', version - 1)
    await producer.commitOffset('of-transactions', 5 + version, 20)
    await producer.commitOffset('simple', 5 + version, 21)
    open.push(producer)
  }
  return { open }
}

/** A transaction whose end is the last thing in its partition of `__transaction_state`; it has a topic of its own. */
export async function fillLastTransaction(wire: Wire): Promise<void> {
  const producer = await new TransactionalProducer(wire, LAST_TRANSACTION, 2).init()
  await producer.write('last-moves', 0)
  await producer.end(true)
}
