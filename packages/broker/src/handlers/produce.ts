// Produce, versions 3 to 13, advertised from 0 (KAFKA-18659). Appends happen within `handle`, but for compressed batches that threads
// validate; the reply follows when the partitions' acknowledgements are there: acks=1 by this broker's flush mode, acks=all by the high
// watermark, acks=0 none, where an error closes the connection. Batches of transactions are let in first, see transactional-produce.ts.
import type { Clock, Logger, ProduceRequest, ProduceResponseInit } from '@ottla/protocol'
import { ErrorCode, KafkaError, produceApi } from '@ottla/protocol'
import { RecordValidationError } from '@ottla/storage'
import { isInternalTopic } from '../controller/index.ts'
import { endpointsOf, leaderOf } from '../replica/leaders.ts'
import type { TransactionAdmission } from '../coordinator/transaction-admission.ts'
import type { AppendRequest, Partition } from '../replica/partition.ts'
import type { Replicas } from '../replica/replicas.ts'
import type { AnyHandler, RequestContext } from '../requests/handler.ts'
import { handler, Ordered } from '../requests/handler.ts'
import { keep, KeptContext, LONG_PRODUCE_BYTES, whileKept } from './kept-records.ts'
import { PendingProduce, ProduceResult } from './pending-produce.ts'
import { admitTransaction, type Admissions, isTransactional, NotAdmitted } from './transactional-produce.ts'

/** What the handler uses. */
export interface ProduceParts {
  readonly replicas: Replicas
  readonly clock: Clock
  readonly logger: Logger
  readonly admission: Pick<TransactionAdmission, 'admit' | 'admitPatiently'>
}

type TopicData = ProduceRequest['topicData'][number]

/** The client id that Kafka lets write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client'

const hasTransactional = (request: ProduceRequest): boolean => {
  for (const { partitionData } of request.topicData) for (const { records } of partitionData) if (isTransactional(records)) return true
  return false
}

/** Errors whose text tells a client more than the code does. */
const isTelling = (error: KafkaError): boolean =>
  error instanceof RecordValidationError ||
  error instanceof NotAdmitted ||
  error.code === ErrorCode.INVALID_RECORD ||
  error.code === ErrorCode.INVALID_TXN_STATE

/** Makes the handler. */
export const produce = (parts: ProduceParts): AnyHandler => {
  const { admission, clock, logger, replicas } = parts

  const fail = (result: ProduceResult, error: unknown, partition: Partition | null): void => {
    const isKnown = error instanceof KafkaError
    if (!isKnown || error.code === ErrorCode.UNKNOWN_SERVER_ERROR) {
      const place = { topic: partition?.topic, partition: result.index, err: error }
      logger.error(place, 'an append failed for a reason that is not the client')
    }
    if (partition !== null) {
      if (!isPlain(error)) {
        partition.counters.failedProduceRequests++
        result.logStartOffset = partition.logStartOffset
      }
    }
    result.refuse(isKnown ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR, isKnown && isTelling(error) ? error.message : null)
    if (error instanceof RecordValidationError) result.recordErrors = error.recordErrors
  }

  const locate = (topic: TopicData, index: number, apiVersion: number): Partition | number =>
    apiVersion >= 13 ? replicas.locateById(topic.topicId, index) : replicas.locate(topic.name, index)

  /** Begins one partition's part. Only a batch that threads validate is not appended when this returns. */
  const begin = (
    pending: PendingProduce,
    part: { topic: TopicData; index: number; records: Buffer | null; admissions: Admissions | null },
    context: RequestContext,
  ): ProduceResult => {
    const { admissions, index, records, topic } = part
    const result = new ProduceResult(index, pending)
    const partition = locate(topic, index, context.apiVersion)
    if (typeof partition === 'number') {
      result.refuse(partition, null)
      return result
    }
    partition.counters.produceRequests++
    try {
      refuse(pending.append, partition.topic, context.clientId)
      const append = admissions === null ? pending.append : admissions.requestFor(partition, pending.append)
      const appended = partition.append(records ?? NO_RECORDS, append)
      if (!(appended instanceof Promise)) {
        pending.appended(result, partition, appended)
        return result
      }
      pending.ordering(
        result,
        appended.then(
          done => pending.appended(result, partition, done),
          (error: unknown) => fail(result, error, partition),
        ),
      )
    } catch (error) {
      fail(result, error, partition)
    }
    return result
  }

  /** Tells clients that know how to read it where the leaders are (KIP-951). */
  const withLeaders = (body: ProduceBody, request: ProduceRequest, context: RequestContext): ProduceResponseInit => {
    if (context.apiVersion < 10) return body
    const leaders: number[] = []
    for (const [at, topic] of request.topicData.entries()) {
      for (const result of body.responses[at]?.partitionResponses ?? []) {
        if (result.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) continue
        const image = context.apiVersion >= 13 ? replicas.image.topicById(topic.topicId) : replicas.image.topic(topic.name)
        result.currentLeader = leaderOf(image?.partitions[result.index])
        leaders.push(result.currentLeader.leaderId)
      }
    }
    return leaders.length === 0 ? body : { ...body, nodeEndpoints: endpointsOf(replicas.image, leaders, context.connection.listener) }
  }

  const finish = (body: ProduceBody, request: ProduceRequest, context: RequestContext): ProduceResponseInit | null => {
    if (request.acks !== 0) return body.failed ? withLeaders(body, request, context) : body
    const failed = body.failed ? firstError(body) : undefined
    if (failed === undefined) return null
    throw new KafkaError(
      failed.errorCode,
      `produce with acks=0 failed for partition ${failed.index}, and the client has no other way to learn of it`,
    )
  }

  const refuseAll = (request: ProduceRequest, code: number): ProduceBody => {
    const pending = new PendingProduce({ acks: request.acks, nowMs: 0 }, replicas.deadlines)
    const responses = request.topicData.map(({ name, topicId, partitionData }) => {
      const partitionResponses = partitionData.map(({ index }) => {
        const result = new ProduceResult(index, pending)
        result.refuse(code, null)
        return result
      })
      return { name, topicId, partitionResponses }
    })
    return { responses, failed: true, throttleTimeMs: 0 }
  }

  const appendAll = (request: ProduceRequest, context: RequestContext, admissions: Admissions | null): Begun | Promise<Begun> => {
    const append: AppendRequest = { acks: request.acks, nowMs: clock.now(), recordsStay: context instanceof KeptContext }
    const pending = new PendingProduce(append, replicas.deadlines)
    const results = replicas.slices.nested(
      request.topicData,
      context.sizeBytes < LONG_PRODUCE_BYTES ? smallParts : largeParts,
      (data, topic) => {
        const { index, records } = data
        // A frame of many megabytes should not stay in memory while replies wait for acknowledgements.
        data.records = null
        return begin(pending, { topic, index, records, admissions }, context)
      },
    )
    return results instanceof Promise ? results.then(done => begunOf(pending, request, done)) : begunOf(pending, request, results)
  }

  /** As `settle`, of a request whose batches are not all appended when the handler returns; the connection's next request waits for that. */
  const settleLater = (begun: Promise<Begun>, request: ProduceRequest, context: RequestContext): Ordered<ProduceResponseInit> => {
    const reply = begun.then(async done => {
      const outcome = settle(done, request, context)
      return outcome instanceof Ordered ? outcome.reply : outcome
    })
    return new Ordered(
      reply,
      begun.then(({ pending }) => pending.ordered ?? undefined).catch(() => undefined),
    )
  }

  /** The reply, once the acknowledgements are there. */
  const settle = (
    { body, pending }: Begun,
    request: ProduceRequest,
    context: RequestContext,
  ): ProduceResponseInit | null | Ordered<ProduceResponseInit> => {
    const settled = pending.settle(request.timeoutMs)
    if (settled === null) {
      body.failed = pending.hasFailed
      return finish(body, request, context)
    }
    const reply = settled.then(() => {
      body.failed = pending.hasFailed
      return finish(body, request, context)
    })
    return new Ordered(reply, pending.ordered)
  }

  const appendAndSettle = (
    request: ProduceRequest,
    context: RequestContext,
    admissions: Admissions | null,
  ): ProduceResponseInit | null | Ordered<ProduceResponseInit> => {
    const begun = appendAll(request, context, admissions)
    return begun instanceof Promise ? settleLater(keptFor(begun, request, context), request, context) : settle(begun, request, context)
  }

  const serve = (request: ProduceRequest, context: RequestContext): ProduceResponseInit | null | Ordered<ProduceResponseInit> => {
    if (!hasTransactional(request)) return appendAndSettle(request, context, null)
    const { transactionalId } = request
    if (transactionalId === null) return finish(refuseAll(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED), request, context)
    const find = (topic: TopicData, index: number): Partition | number => locate(topic, index, context.apiVersion)
    let release: (() => void) | null = null
    const keepRecords = (): void => {
      release = keep(request, context)
    }
    const { apiVersion } = context
    const admitted = admitTransaction({ ...request, transactionalId }, { admission, apiVersion, locate: find, keepRecords })
    if (admitted === null) return finish(refuseAll(request, ErrorCode.INVALID_PRODUCER_ID_MAPPING), request, context)
    if (!(admitted instanceof Promise)) return appendAndSettle(request, context, admitted)
    const begun = admitted.then(admissions => appendAll(request, context, admissions)).finally(() => release?.())
    return settleLater(begun, request, context)
  }

  return handler({
    api: produceApi,
    versions: [3, 13],
    advertised: [0, 13],
    handle: (request, context) => whileKept(context, known => serve(request, known)),
  })
}

interface ProduceBody {
  readonly responses: { name: string; topicId: string; partitionResponses: ProduceResult[] }[]
  readonly throttleTimeMs: number
  failed: boolean
}

/** A request whose batches are appended, or being validated. */
interface Begun {
  readonly pending: PendingProduce
  readonly body: ProduceBody
}

const smallParts = { of: ({ partitionData }: TopicData): TopicData['partitionData'] => partitionData }
const largeParts = { ...smallParts, every: 1 }

const begunOf = (pending: PendingProduce, { topicData }: ProduceRequest, results: readonly ProduceResult[][]): Begun => {
  const responses: ProduceBody['responses'] = []
  for (const partitionResponses of results) {
    const { name, topicId } = topicData[responses.length]!
    responses.push({ name, topicId, partitionResponses })
  }
  return { pending, body: { responses, failed: false, throttleTimeMs: 0 } }
}

const NO_RECORDS = Buffer.alloc(0)

/** Keeps the records until all of them are appended. */
const keptFor = (begun: Promise<Begun>, request: ProduceRequest, context: RequestContext): Promise<Begun> =>
  begun.finally(keep(request, context))

/** Errors of everyday life: they say nothing of the log's start, and are not counted as failures, as in Kafka. */
const plainErrors: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INVALID_REQUIRED_ACKS,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.INVALID_TXN_STATE,
])

const isPlain = (error: unknown): boolean => error instanceof KafkaError && plainErrors.has(error.code)

const firstError = (body: ProduceBody): ProduceResult | undefined =>
  body.responses.flatMap(topic => topic.partitionResponses).find(result => result.errorCode !== ErrorCode.NONE)

/** What is refused before a batch is looked at. */
const refuse = (append: AppendRequest, topic: string, clientId: string | null): void => {
  const { acks } = append
  if (acks !== 1 && acks !== -1 && acks !== 0) throw new KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
  if (isInternalTopic(topic) && clientId !== ADMIN_CLIENT_ID) {
    throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${topic} is an internal topic`)
  }
}
