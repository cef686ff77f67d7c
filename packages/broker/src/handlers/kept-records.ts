// Records of a Produce that are needed after its handler has returned: the memory that they came in is kept, and counts as memory of requests
// until they are appended, or they are copied.
import type { ProduceRequest } from '@ottla/protocol'
import type { ConnectionFacts, Reply, RequestContext } from '../requests/handler.ts'
import { Ordered } from '../requests/handler.ts'

/** Shorter requests may be copied, as all that their connections can have under way is little, and no batch of theirs takes long to validate. */
export const LONG_PRODUCE_BYTES = 64 * 1024

/** Sees to it that the records that are left of a request may be used after the handler has returned, until the returned function is called. */
export const keep = (request: ProduceRequest, context: RequestContext): (() => void) => {
  const release = context.keep?.() ?? null
  if (release !== null) return release
  for (const topic of request.topicData)
    for (const data of topic.partitionData) data.records = data.records === null ? null : Buffer.from(data.records)
  return () => undefined
}

/** The context of a request whose records stay as they are until all of them are appended. */
export class KeptContext implements RequestContext {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly connection: ConnectionFacts
  readonly receivedAtMs: number
  readonly sizeBytes: number

  constructor(context: RequestContext) {
    this.apiKey = context.apiKey
    this.apiVersion = context.apiVersion
    this.correlationId = context.correlationId
    this.clientId = context.clientId
    this.connection = context.connection
    this.receivedAtMs = context.receivedAtMs
    this.sizeBytes = context.sizeBytes
  }

  keep(): () => void {
    return () => undefined
  }
}

/** Serves a long request with its records kept, where that can be, until the outcome is ordered: else each batch that waits for threads is copied. */
export const whileKept = <R>(context: RequestContext, serve: (context: RequestContext) => Reply<R> | Ordered<R>): Reply<R> | Ordered<R> => {
  const release = context.sizeBytes < LONG_PRODUCE_BYTES ? null : (context.keep?.() ?? null)
  if (release === null) return serve(context)
  let ordered: Promise<void> | null = null
  try {
    const outcome = serve(new KeptContext(context))
    if (outcome instanceof Ordered) ordered = outcome.ordered
    return outcome
  } finally {
    if (ordered === null) release()
    else void ordered.then(release)
  }
}
