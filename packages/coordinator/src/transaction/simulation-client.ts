// A transactional producer of the simulation: it does what Kafka's own does, over a network that loses requests and answers, and sometimes sleeps so
// long that another one takes its place.

import { ErrorCode, KafkaError, type Random } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import { additionsOf } from './add-partitions.ts'
import { sleep, type SimulatedPartition } from './simulation-world.ts'
import { addRequest, endRequest, initRequest, type Producer, type TestCoordinator } from './testing.ts'
import type { TransactionPartition } from './transaction-partition.ts'

/** What a client was told of a transaction. */
export interface Told {
  readonly tag: string
  readonly committed: boolean
  /** `fenced`: it was told that it is not to end it any more; `unknown`: it never heard, or asked again what may have been done before. */
  readonly answer: 'done' | 'fenced' | 'unknown'
}

/** What all clients share. */
export interface ClientWorld {
  readonly coordinator: TestCoordinator
  readonly partitions: readonly SimulatedPartition[]
  readonly random: Random
  readonly told: Told[]
  /** The greatest epoch that a new producer was given, by transactional id: all before it are fenced. */
  readonly newestEpochs: Map<string, number>
  readonly violations: string[]
}

const lost = Symbol('lost')
const retriable = new Set<number>([
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
])

interface Answer {
  readonly errorCode: number
  readonly producerId?: number | undefined
  readonly producerEpoch?: number | undefined
}

/** See the top of the file. */
export class SimulatedClient {
  readonly #world: ClientWorld
  readonly #transactionalId: string
  readonly #name: string
  /** Version of EndTxn. */
  readonly #version: number
  #tags = 0

  constructor(world: ClientWorld, name: string, as: { readonly transactionalId: string; readonly version: number }) {
    this.#world = world
    this.#name = name
    this.#transactionalId = as.transactionalId
    this.#version = as.version
  }

  /** Lives a few lives, each as a new producer. */
  async run(lives: number): Promise<void> {
    for (let life = 0; life < lives; life++) {
      const producer = await this.#begin()
      if (producer !== null) await this.#live(producer)
      await this.#pause(5000)
    }
  }

  async #begin(): Promise<Producer | null> {
    const request = { ...initRequest(this.#transactionalId), transactionTimeoutMs: 15_000 }
    const answer = await this.#ask(state => state.initProducerId(request, { apiVersion: 4 }))
    if (answer === null || answer.errorCode !== ErrorCode.NONE) return null
    const { newestEpochs } = this.#world
    const { producerId = -1, producerEpoch = -1 } = answer
    newestEpochs.set(this.#transactionalId, Math.max(newestEpochs.get(this.#transactionalId) ?? -1, producerEpoch))
    return { transactionalId: this.#transactionalId, producerId, producerEpoch }
  }

  async #live(first: Producer): Promise<void> {
    const { newestEpochs, random } = this.#world
    let producer = first
    for (let transaction = 0; transaction < 4; transaction++) {
      const tag = `${this.#name} ${this.#tags++}`
      const committed = random.next() < 0.7
      if (!(await this.#write(producer, tag))) return
      // Sometimes for longer than the time-out of the transaction, or for ever.
      await this.#pause(random.next() < 0.15 ? 40_000 : 300)
      if (random.next() < 0.1) return
      const wasFenced = (newestEpochs.get(this.#transactionalId) ?? -1) > producer.producerEpoch
      const request = endRequest(producer, committed)
      const answer = await this.#ask(state => state.end(request, { apiVersion: this.#version }))
      const isDone = answer?.errorCode === ErrorCode.NONE
      this.#world.told.push({ tag, committed, answer: isDone ? 'done' : answer?.isFirst === true ? 'fenced' : 'unknown' })
      if (isDone && committed && wasFenced) this.#world.violations.push(`${tag} was fenced and committed`)
      if (answer === null || !isDone) return
      const { producerId = -1, producerEpoch = -1 } = answer
      if (this.#version >= 5) producer = { ...producer, producerId, producerEpoch }
    }
  }

  /** Writes into some partitions; false when it is to give up. */
  async #write(producer: Producer, tag: string): Promise<boolean> {
    const { partitions, random } = this.#world
    for (const [index, partition] of partitions.entries()) {
      if (random.next() < 0.4) continue
      const apiVersion = this.#version >= 5 ? 5 : 3
      const answer = await this.#ask(state => {
        const [addition] = additionsOf(addRequest(producer, [index]), { apiVersion: 4 })
        if (addition === undefined) throw new Error('nothing to add')
        const { records, reply, ...rest } = state.addPartitions(addition, { apiVersion })
        return { ...rest, records, reply: Promise.resolve(reply).then(() => ({ errorCode: ErrorCode.NONE })) }
      })
      if (answer?.errorCode !== ErrorCode.NONE) return false
      if (random.next() < 0.1) await this.#pause(20_000)
      if (!partition.write(tag, producer)) return false
    }
    return true
  }

  /** Asks until there is an answer that is one; null for none. */
  async #ask(decide: (state: TransactionPartition) => Decision<Answer>): Promise<(Answer & { readonly isFirst: boolean }) | null> {
    for (let attempt = 0; attempt < 30; attempt++) {
      const answer = await this.#send(decide)
      if (answer !== lost && !retriable.has(answer.errorCode)) return { ...answer, isFirst: attempt === 0 }
      await this.#pause(attempt < 5 ? 100 : 2000)
    }
    return null
  }

  async #send(decide: (state: TransactionPartition) => Decision<Answer>): Promise<Answer | typeof lost> {
    const { coordinator, random } = this.#world
    if (random.next() < 0.05) return lost
    // A duplicate on its way that arrives at any time.
    if (this.#version >= 5 && random.next() < 0.05) void this.#later(decide)
    const answer = await this.#call(() => coordinator.run(decide))
    return random.next() < 0.1 ? lost : answer
  }

  async #call(send: () => Promise<Answer>): Promise<Answer> {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      if (error.code === ErrorCode.UNKNOWN_SERVER_ERROR) this.#world.violations.push('UNKNOWN_SERVER_ERROR')
      return { errorCode: error.code }
    }
  }

  async #later(decide: (state: TransactionPartition) => Decision<Answer>): Promise<void> {
    await this.#pause(5000)
    await this.#call(() => this.#world.coordinator.run(decide))
  }

  #pause(upToMs: number): Promise<void> {
    return sleep(this.#world.coordinator.clock, this.#world.random.next() * upToMs)
  }
}
