// A transactional producer as clients of old and new versions are, and a reader of committed records, for tests over a whole broker.
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  BatchBuilder,
  batchesIn,
  controlTypeOf,
  ControlType,
  endTxnApi,
  ErrorCode,
  fetchApi,
  findCoordinatorApi,
  initProducerIdApi,
  produceApi,
  recordsOf,
  txnOffsetCommitApi,
} from '@ottla/protocol'
import type { SimulatedBroker } from '../broker-simulation.ts'

/** Versions of requests: those of transactions version 2, and those before. */
export interface ClientVersions {
  readonly produce: number
  readonly endTxn: number
  readonly txnOffsetCommit: number
}

export const newClient: ClientVersions = { produce: 12, endTxn: 5, txnOffsetCommit: 5 }
export const oldClient: ClientVersions = { produce: 11, endTxn: 4, txnOffsetCommit: 4 }

/** A topic's partition. */
export interface Place {
  readonly topic: string
  readonly partition: number
}

/** See the top of the file. Every method answers with error codes as they come. */
export class TransactionClient {
  readonly broker: SimulatedBroker
  readonly transactionalId: string
  readonly versions: ClientVersions
  producerId = -1
  producerEpoch = -1
  readonly #sequences = new Map<string, number>()

  constructor(broker: SimulatedBroker, transactionalId: string, versions: ClientVersions) {
    this.broker = broker
    this.transactionalId = transactionalId
    this.versions = versions
  }

  get #identity() {
    const { transactionalId, producerId, producerEpoch } = this
    return { transactionalId, producerId, producerEpoch }
  }

  /** Finds the coordinator and asks for an epoch; again while it says that it is not ready. */
  async init(transactionTimeoutMs = 60_000): Promise<number> {
    await findCoordinator(this.broker, this.transactionalId, 1)
    const { transactionalId } = this
    const code = await retried(this.broker, async () => {
      const answer = await this.broker.ask(initProducerIdApi, 5, { transactionalId, transactionTimeoutMs })
      if (answer?.errorCode === ErrorCode.NONE) this.#adopt(answer.producerId, answer.producerEpoch)
      return answer?.errorCode
    })
    return code
  }

  /** AddPartitionsToTxn, as old clients send it. */
  async add({ topic, partition }: Place): Promise<number> {
    const { transactionalId, producerId, producerEpoch } = this
    const answer = await this.broker.ask(addPartitionsToTxnApi, 3, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    })
    return answer?.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? -1
  }

  /** Sends one batch, with the next sequence if it is taken. */
  async produce({ topic, partition }: Place, values: readonly string[]): Promise<number> {
    const key = `${topic}-${partition}`
    const baseSequence = this.#sequences.get(key) ?? 0
    const { transactionalId, producerId, producerEpoch } = this
    const builder = new BatchBuilder({ isTransactional: true, producerId, producerEpoch, baseSequence })
    for (const value of values) builder.append({ timestamp: this.broker.clock.now(), value })
    const partitionData = [{ index: partition, records: Buffer.from(builder.build().bytes) }]
    const answer = await this.broker.ask(produceApi, this.versions.produce, {
      transactionalId,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData }],
    })
    const code = answer?.responses[0]?.partitionResponses[0]?.errorCode ?? -1
    if (code === ErrorCode.NONE) this.#sequences.set(key, baseSequence + values.length)
    return code
  }

  /** Commits an offset of a group as part of the transaction. */
  async commitOffset(groupId: string, { topic, partition }: Place, committedOffset: number): Promise<number> {
    if (this.versions.txnOffsetCommit < 5) {
      const added = await this.broker.ask(addOffsetsToTxnApi, 4, { ...this.#identity, groupId })
      if (added?.errorCode !== ErrorCode.NONE) return added?.errorCode ?? -1
    }
    const partitions = [{ partitionIndex: partition, committedOffset, committedMetadata: '' }]
    const answer = await this.broker.ask(txnOffsetCommitApi, this.versions.txnOffsetCommit, {
      ...this.#identity,
      groupId,
      topics: [{ name: topic, partitions }],
    })
    return answer?.topics[0]?.partitions[0]?.errorCode ?? -1
  }

  /** Ends the transaction; the new epoch, if there is one, is taken. */
  async end(committed: boolean): Promise<number> {
    const answer = await this.broker.ask(endTxnApi, this.versions.endTxn, { ...this.#identity, committed })
    if (answer?.errorCode === ErrorCode.NONE && this.versions.endTxn >= 5) this.#adopt(answer.producerId, answer.producerEpoch)
    return answer?.errorCode ?? -1
  }

  #adopt(producerId: number, producerEpoch: number): void {
    if (producerId === this.producerId && producerEpoch === this.producerEpoch) return
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.#sequences.clear()
  }
}

/** Errors after which a client asks again. */
const passing = new Set<number | undefined>([
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_ENOUGH_REPLICAS,
])

/** What is asked, while time goes on; rejects for what is never answered. */
export async function answered<T>(broker: SimulatedBroker, asked: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = asked.finally(() => {
    isSettled = true
  })
  settled.catch(() => undefined)
  for (let turn = 1; turn < 5000; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    if (isSettled) return settled
    if (turn % 20 === 0) broker.clock.advance(5)
  }
  throw new Error('a request is never answered')
}

/** Asks until the answer is one that stays; time goes on meanwhile. */
export async function retried(broker: SimulatedBroker, ask: () => Promise<number | undefined>): Promise<number> {
  let code: number | undefined
  for (let attempt = 0; attempt < 200; attempt++) {
    code = await answered(broker, ask())
    if (!passing.has(code)) return code ?? -1
    broker.clock.advance(10)
  }
  throw new Error(`asked too often, the last answer is ${code}`)
}

/** Waits until the coordinator of a key is there. */
export async function findCoordinator(broker: SimulatedBroker, key: string, keyType: number): Promise<void> {
  await retried(
    broker,
    async () => (await broker.ask(findCoordinatorApi, 6, { keyType, coordinatorKeys: [key] }))?.coordinators[0]?.errorCode,
  )
}

/** What a reader sees of a partition from its start. */
export async function read(broker: SimulatedBroker, { topic, partition }: Place, committedOnly = true) {
  const values: string[] = []
  let offset = 0
  let lastStableOffset = 0
  let highWatermark = 0
  for (;;) {
    const answer = await broker.ask(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      isolationLevel: committedOnly ? 1 : 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1000 }] }],
      forgottenTopicsData: [],
    })
    const one = answer?.responses[0]?.partitions[0]
    if (one === undefined || one.errorCode !== ErrorCode.NONE) throw new Error(`a fetch failed with ${one?.errorCode}`)
    lastStableOffset = one.lastStableOffset
    highWatermark = one.highWatermark
    const aborted = (one.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
    const hidden = new Set<number>()
    const from = offset
    for (const batch of batchesIn(one.records ?? Buffer.alloc(0))) {
      for (let next = aborted[0]; next !== undefined && next.firstOffset <= batch.lastOffset; next = aborted[0]) {
        hidden.add(next.producerId)
        aborted.shift()
      }
      offset = batch.lastOffset + 1
      for (const record of recordsOf(batch)) {
        if (batch.isControl) {
          if (controlTypeOf(record) === ControlType.ABORT) hidden.delete(batch.producerId)
        } else if (!batch.isTransactional || !hidden.has(batch.producerId)) values.push(String(record.value))
      }
    }
    if (offset === from) return { values, lastStableOffset, highWatermark }
  }
}
