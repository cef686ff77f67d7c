/** Buckets of the request times: bucket i counts times below 2^i microseconds; the last one counts all others too. */
export const TIME_BUCKETS = 32

/** What is counted of the requests of one API. */
export interface ApiCounters {
  readonly apiKey: number
  readonly name: string
  /** Requests begun, by version. */
  readonly requestsByVersion: number[]
  requests: number
  /** Requests that ended the connection: malformed, or failed without an answer that could be given. */
  failures: number
  requestBytes: number
  responses: number
  responseBytes: number
  /** From the arrival of the last byte to the hand-over of the reply to the socket, in microseconds. */
  totalTimeUs: number
  maxTimeUs: number
  readonly timeBuckets: Float64Array
}

/** What is counted of a listener. */
export interface ListenerCounters {
  readonly name: string
  connections: number
  accepted: number
  /** Turned away: too many connections. */
  rejected: number
  closedIdle: number
  /** Closed because a request or the taking of replies went too slowly. */
  closedSlow: number
  /** Closed because of what the client sent. */
  closedBroken: number
  bytesIn: number
  bytesOut: number
}

/** Plain numbers that the network and the dispatcher count; whoever shows metrics reads them when asked. */
export class NetworkCounters {
  readonly listeners: ListenerCounters[] = []
  /** By API key; holes where no handler is. */
  readonly apis: (ApiCounters | undefined)[] = []

  listener(name: string): ListenerCounters {
    const counters = {
      name,
      connections: 0,
      accepted: 0,
      rejected: 0,
      closedIdle: 0,
      closedSlow: 0,
      closedBroken: 0,
      bytesIn: 0,
      bytesOut: 0,
    }
    this.listeners.push(counters)
    return counters
  }

  api(apiKey: number, name: string): ApiCounters {
    const counters = {
      apiKey,
      name,
      requestsByVersion: [],
      requests: 0,
      failures: 0,
      requestBytes: 0,
      responses: 0,
      responseBytes: 0,
      totalTimeUs: 0,
      maxTimeUs: 0,
      timeBuckets: new Float64Array(TIME_BUCKETS),
    }
    this.apis[apiKey] = counters
    return counters
  }
}

/** Counts a reply of `bytes` bytes that took `timeMs`. */
export function countResponse(counters: ApiCounters, bytes: number, timeMs: number): void {
  const timeUs = timeMs > 0 ? Math.round(timeMs * 1000) : 0
  counters.responses++
  counters.responseBytes += bytes
  counters.totalTimeUs += timeUs
  if (timeUs > counters.maxTimeUs) counters.maxTimeUs = timeUs
  const bucket = Math.min(32 - Math.clz32(timeUs), TIME_BUCKETS - 1)
  counters.timeBuckets[bucket] = (counters.timeBuckets[bucket] ?? 0) + 1
}
