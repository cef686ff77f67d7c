// Events of an admin (KafkaJS's instrumentation events). Those of the network are told by the cluster under names of its own.
import type { InstrumentationEvent } from '../events/emitter.ts'
import type { RequestEvent, RequestQueueSizeEvent, RequestTimeoutEvent } from '../events/types.ts'

/** Events that an admin tells. */
export const adminEvents = {
  CONNECT: 'admin.connect',
  DISCONNECT: 'admin.disconnect',
  REQUEST: 'admin.network.request',
  REQUEST_TIMEOUT: 'admin.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size',
} as const
export type AdminEvents = typeof adminEvents

/** What is told with each event. */
export interface AdminEventPayloads {
  'admin.connect': null
  'admin.disconnect': null
  'admin.network.request': RequestEvent['payload']
  'admin.network.request_timeout': RequestTimeoutEvent['payload']
  'admin.network.request_queue_size': RequestQueueSizeEvent['payload']
}

/** Listeners by the name of the event. */
export type AdminEventListeners = { [E in keyof AdminEventPayloads]: (event: InstrumentationEvent<AdminEventPayloads[E]>) => void }

/** The name under which the cluster tells an event. */
export const innerEventName = (name: string): string => (name.startsWith('admin.network.') ? name.slice('admin.'.length) : name)
