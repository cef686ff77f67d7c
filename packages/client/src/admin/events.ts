// Events of an admin (KafkaJS's instrumentation events). Those of the network are told by the cluster under names of its own.
import type { InstrumentationEvent } from '../events/emitter.ts'

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
  'admin.network.request': {
    apiKey: number
    apiName: string
    apiVersion: number
    broker: string
    clientId: string
    correlationId: number
    createdAt: number
    duration: number
    pendingDuration: number
    sentAt: number
    size: number
  }
  'admin.network.request_timeout': {
    apiKey: number
    apiName: string
    apiVersion: number
    broker: string
    clientId: string
    correlationId: number
    createdAt: number
    pendingDuration: number
    sentAt: number
  }
  'admin.network.request_queue_size': { broker: string; clientId: string; queueSize: number }
}

/** Listeners by the name of the event. */
export type AdminEventListeners = { [E in keyof AdminEventPayloads]: (event: InstrumentationEvent<AdminEventPayloads[E]>) => void }

/** The name under which the cluster tells an event. */
export const innerEventName = (name: string): string => (name.startsWith('admin.network.') ? name.slice('admin.'.length) : name)
