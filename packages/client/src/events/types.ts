// Events that producers, consumers and admins have in common, by KafkaJS's names.
import type { InstrumentationEvent } from './emitter.ts'

/** Removes a listener. */
export type RemoveInstrumentationEventListener<_EventName> = () => void

export type ConnectEvent = InstrumentationEvent<null>
export type DisconnectEvent = InstrumentationEvent<null>

interface RequestFacts {
  apiKey: number
  apiName: string
  apiVersion: number
  broker: string
  clientId: string
  correlationId: number
  /** Wall-clock time in ms, as `sentAt`. */
  createdAt: number
  /** Time in the queue, in ms. */
  pendingDuration: number
  sentAt: number
}

/** An answer came; `duration` in ms, `size` in bytes. */
export type RequestEvent = InstrumentationEvent<RequestFacts & { duration: number; size: number }>
/** An answer did not come in time. */
export type RequestTimeoutEvent = InstrumentationEvent<RequestFacts>
/** The number of requests that wait for their turn changed. */
export type RequestQueueSizeEvent = InstrumentationEvent<{ broker: string; clientId: string; queueSize: number }>
