// How an admin's calls reach the brokers that answer them, and which of them are tried again. A change of controller, coordinator or leader is
// waited out with the client's retries; a cluster that does not answer, and a topic that is not there, are waited for only shortly, since
// both are far more often mistakes than matters of time.
import { ErrorCode, errorOf } from '@ottla/protocol'
import type { Cluster, TopicFacts } from '../cluster/cluster.ts'
import type { TopicPartition } from '../consumer/parts.ts'
import { KafkaJSError, KafkaJSNonRetriableError, KafkaJSProtocolError, KafkaJSRequestTimeoutError, protocolError } from '../errors/index.ts'
import type { Logger } from '../logger.ts'
import type { RetrySettings, Try } from '../retry.ts'
import { retrying } from '../retry.ts'

/** For so long a topic that was just made may not be known everywhere, and a broker may be about to come back. */
const shortlyMs = 2_500

/** What the methods of an admin have in common. */
export interface AdminParts {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly retry: RetrySettings
  /** Whether asking for a topic may create it; as the cluster has it when undefined. */
  readonly allowAutoTopicCreation: boolean | undefined
  /** Ends waits when the admin is disconnected; another one after it. */
  readonly signal: () => AbortSignal
}

/** Throws for what a program passed wrongly. */
export function invalid(message: string): never {
  throw new KafkaJSNonRetriableError(message)
}

const awaited: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
])

/** Whether a code says that the same call may succeed before long. What timed out may have been done, and is not asked again. */
const passes = (code: number): boolean =>
  code === ErrorCode.NOT_CONTROLLER || (errorOf(code).retriable && code !== ErrorCode.REQUEST_TIMED_OUT && !awaited.has(code))

/** Whether what failed is tried again; `shortly` says that there is still time for what is waited for only shortly. */
function mayRetry(error: unknown, shortly: boolean): boolean {
  if (error instanceof KafkaJSProtocolError) return passes(error.code) || (error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && shortly)
  return error instanceof KafkaJSError && error.retriable && !(error instanceof KafkaJSRequestTimeoutError) && shortly
}

/**
 * Makes a call until it succeeds or fails for good. `what` names it in the log. Metadata are fetched anew before each further try. What fails
 * for good is thrown as it is.
 */
export async function attempting<T>(parts: AdminParts, what: string, call: (about: Try) => Promise<T>): Promise<T> {
  const { cluster, logger } = parts
  const begin = cluster.clock.monotonic()
  const world = { clock: cluster.clock, random: cluster.random, retry: parts.retry }
  const outcome = await retrying(
    world,
    async about => {
      try {
        if (about.retryCount > 0) await cluster.refresh()
        return { value: await call(about) }
      } catch (error) {
        const atMs = cluster.clock.monotonic() + about.retryTime
        const shortly = about.retryCount < parts.retry.retries && atMs - begin < shortlyMs
        if (!mayRetry(error, shortly)) return { error }
        logger.warn(what, {
          error: error instanceof Error ? error.message : String(error),
          retryCount: about.retryCount,
          retryTime: about.retryTime,
        })
        throw error
      }
    },
    parts.signal(),
  )
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

/** Facts of topics; rejects when one is not there. */
export function topicsOf(
  { allowAutoTopicCreation, cluster, signal }: AdminParts,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicFacts>> {
  return cluster.topics(names, { signal: signal(), ...(allowAutoTopicCreation !== undefined && { allowAutoTopicCreation }) })
}

/** An answer about a partition. */
export type PartitionAnswer = TopicPartition & { readonly errorCode: number; readonly errorMessage?: string | null | undefined }

/** A call about partitions that only their leaders can answer. */
export interface LeaderCall<P extends TopicPartition, R extends PartitionAnswer> {
  /** For the log. */
  readonly what: string
  readonly partitions: readonly P[]
  /** Asks one leader for those it leads. */
  readonly ask: (nodeId: number, partitions: readonly P[]) => Promise<readonly R[]>
}

/** Things by what they have in common, in their order. */
export function grouped<K, T>(things: readonly T[], keyOf: (thing: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const [index, thing] of things.entries()) {
    const key = keyOf(thing, index)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [thing])
    else group.push(thing)
  }
  return groups
}

/** Partitions by topic, as requests have them. */
export const byTopic = <P extends TopicPartition>(partitions: readonly P[]): { readonly topic: string; readonly partitions: P[] }[] =>
  [...grouped(partitions, ({ topic }) => topic)].map(([topic, of]) => ({ topic, partitions: of }))

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** Asks the leaders of partitions; those whose answer may be better soon are asked again. Answers with other errors are given as they are. */
export async function byLeader<P extends TopicPartition, R extends PartitionAnswer>(
  parts: AdminParts,
  call: LeaderCall<P, R>,
): Promise<R[]> {
  const answers = new Map<string, R>()
  let open: readonly P[] = call.partitions
  await attempting(parts, call.what, async () => {
    const topics = await topicsOf(parts, [...new Set(open.map(({ topic }) => topic))])
    const byNode = grouped(open, ({ topic, partition }) => {
      const facts = topics.get(topic)?.partitions[partition]
      if (facts === undefined) throw protocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, undefined, { topic, partition })
      if (facts.leader < 0) throw protocolError(ErrorCode.LEADER_NOT_AVAILABLE, undefined, { topic, partition })
      return facts.leader
    })
    const given = await Promise.all([...byNode].map(([nodeId, partitions]) => call.ask(nodeId, partitions)))
    for (const answer of given.flat()) answers.set(placeOf(answer), answer)
    open = open.filter(partition => {
      const code = answers.get(placeOf(partition))?.errorCode ?? ErrorCode.NONE
      return passes(code) || code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    })
    const [first] = open
    const answer = first && answers.get(placeOf(first))
    if (answer !== undefined) throw protocolError(answer.errorCode, undefined, { topic: answer.topic, partition: answer.partition })
  })
  return call.partitions.flatMap(partition => answers.get(placeOf(partition)) ?? [])
}

/** A call about groups or transactional ids that only their coordinators can answer. */
export interface CoordinatorCall<R extends { readonly errorCode: number }> {
  /** For the log. */
  readonly what: string
  readonly kind: 'group' | 'transaction'
  readonly keys: readonly string[]
  /** Asks one coordinator for those it has; answers by key. */
  readonly ask: (nodeId: number, keys: readonly string[]) => Promise<ReadonlyMap<string, R>>
}

/** Asks the coordinators of keys, all at once; those whose answer may be better soon are asked again. Answers with other errors are given as they are. */
export async function byCoordinator<R extends { readonly errorCode: number }>(
  parts: AdminParts,
  call: CoordinatorCall<R>,
): Promise<Map<string, R>> {
  const { cluster } = parts
  const answers = new Map<string, R>()
  const coordinator = (key: string) => (call.kind === 'group' ? { group: key } : { transaction: key })
  let open: readonly string[] = [...new Set(call.keys)]
  await attempting(parts, call.what, async ({ retryCount }) => {
    if (retryCount > 0) for (const key of open) cluster.forgetCoordinator(coordinator(key))
    const nodes = await Promise.all(open.map(key => cluster.coordinatorOf(coordinator(key))))
    const byNode = grouped(open, (_, index) => nodes[index] ?? -1)
    const given = await Promise.all([...byNode].map(([nodeId, keys]) => call.ask(nodeId, keys)))
    for (const [key, answer] of given.flatMap(map => [...map])) answers.set(key, answer)
    open = open.filter(key => passes(answers.get(key)?.errorCode ?? ErrorCode.NONE))
    const answer = answers.get(open[0] ?? '')
    if (answer !== undefined && open.length > 0) throw protocolError(answer.errorCode)
  })
  return answers
}

/** Asks the coordinator of one key. */
export async function ofCoordinator<R extends { readonly errorCode: number }>(
  parts: AdminParts,
  call: Omit<CoordinatorCall<R>, 'keys' | 'ask'> & { readonly key: string; readonly ask: (nodeId: number) => Promise<R> },
): Promise<R> {
  const { key } = call
  const answers = await byCoordinator(parts, { ...call, keys: [key], ask: async nodeId => new Map([[key, await call.ask(nodeId)]]) })
  const answer = answers.get(key)
  if (answer === undefined) throw protocolError(ErrorCode.UNKNOWN_SERVER_ERROR)
  return answer
}

/** Asks every broker there is; gives what they answered, in the order of their ids. */
export async function everyBroker<R>(parts: AdminParts, what: string, ask: (nodeId: number) => Promise<R>): Promise<R[]> {
  return attempting(parts, what, async ({ retryCount }) => {
    const image = retryCount > 0 ? parts.cluster.image : await parts.cluster.refresh()
    return Promise.all([...image.nodes.keys()].toSorted((a, b) => a - b).map(ask))
  })
}
