// Requests that must succeed: asked again while coordinators load, leaders are unknown, or a transaction of the same producer is about to end.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AnyApi,
  type ConsumerProtocolAssignmentInit,
  type ConsumerProtocolSubscriptionInit,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  createTopicsApi,
  ErrorCode,
  type RequestInitOf,
  type ResponseOf,
  storedCodec,
  Writer,
} from '@ottla/protocol'
import type { Wire } from '../wire.ts'

const passing: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
])

/** What is asked, and where its answer has the errors. */
export interface Question<A extends AnyApi> {
  readonly api: A
  readonly version: number
  readonly body: RequestInitOf<A>
  readonly errors: (answer: ResponseOf<A>) => readonly (number | undefined)[]
}

/** The answer without an error. */
export async function ask<A extends AnyApi>(wire: Wire, { api, version, body, errors }: Question<A>): Promise<ResponseOf<A>> {
  for (let left = 300; ; left--) {
    const answer = await wire.ask(api, version, body)
    const wrong = errors(answer).filter(error => error !== ErrorCode.NONE)
    if (wrong.length === 0) return answer
    if (left === 0 || !wrong.every(error => error !== undefined && passing.has(error)))
      throw new Error(`${api.name}: ${wrong.map(error => error ?? 'no answer').join()}`)
    await sleep(50)
  }
}

/** The errors of an answer with partitions in topics. */
export const partitionErrors = (answer: {
  readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]
}): number[] => answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let left = 400; !(await holds()); left--) {
    if (left === 0) throw new Error(`${what} did not come about`)
    await sleep(50)
  }
}

export async function createTopic(wire: Wire, name: string, numPartitions: number, configs: Record<string, string> = {}): Promise<void> {
  const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: list }
  const body = { topics: [topic], timeoutMs: 10_000 }
  await ask(wire, { api: createTopicsApi, version: 7, body, errors: ({ topics }) => topics.map(({ errorCode }) => errorCode) })
}

/** What a classic consumer says of itself, behind its version. */
export function subscription(init: ConsumerProtocolSubscriptionInit): Buffer {
  const writer = new Writer()
  writer.int16(1)
  storedCodec(consumerProtocolSubscription, 1).write(writer, init)
  return writer.bytes()
}

/** What a classic consumer is given, behind its version. */
export function assignment(assignedPartitions: ConsumerProtocolAssignmentInit['assignedPartitions']): Buffer {
  const writer = new Writer()
  writer.int16(1)
  storedCodec(consumerProtocolAssignment, 1).write(writer, { assignedPartitions })
  return writer.bytes()
}
