// UnregisterBroker, version 0 (KIP-500): takes a broker that is gone for good out of the cluster. Other than Kafka, which fences a
// running broker and takes it out of every ISR, this refuses a broker that is alive or that a partition may still elect: a broker
// that comes back under its id without a registration counts as new, and so as one that lost nothing.
import type { ClusterImage, Metadata, MetadataStore } from '@ottla/metadata'
import { keys } from '@ottla/metadata'
import { ErrorCode, errorOf, KafkaError, unregisterBrokerApi } from '@ottla/protocol'
import { asKafkaError, commitOrThrow } from '../controller/index.ts'
import { handler, type Handler } from '../requests/handler.ts'

export interface UnregisterBrokerParts {
  readonly store: MetadataStore
  readonly metadata: Metadata
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
}

/** Serves UnregisterBroker. */
export function unregisterBroker({ store, metadata, applied }: UnregisterBrokerParts): Handler<typeof unregisterBrokerApi> {
  const unregister = async (id: number): Promise<void> => {
    const broker = metadata.image.brokers.get(id)
    if (!broker) throw new KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ID ${id} is not currently registered`)
    const obstacle = obstacleTo(id, metadata.image)
    if (obstacle !== null) throw new KafkaError(ErrorCode.INVALID_REQUEST, obstacle)
    const { succeeded, revision } = await commitOrThrow(store, {
      checks: [
        { key: keys.registration(id), modRevision: broker.epoch },
        { key: keys.live(id), modRevision: 0 },
        { key: keys.controller, createRevision: metadata.image.controllerEpoch },
      ],
      writes: [
        { key: keys.registration(id), value: null },
        { key: keys.state(id), value: null },
      ],
    })
    if (!succeeded) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'The broker changed at the same time.')
    await applied(revision)
  }
  return handler({
    api: unregisterBrokerApi,
    versions: [0, 0],
    async handle({ brokerId }) {
      try {
        await unregister(brokerId)
        return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null }
      } catch (error) {
        const { code, message } = asKafkaError(error)
        return { throttleTimeMs: 0, errorCode: code, errorMessage: message }
      }
    },
    onError: errorCode => ({ throttleTimeMs: 0, errorCode, errorMessage: errorOf(errorCode).message }),
  })
}

function obstacleTo(id: number, image: ClusterImage): string | null {
  if (image.brokers.get(id)?.fenced === false) return `Broker ${id} is running: stop it first.`
  for (const { name, partitions } of image.topics()) {
    const at = partitions.findIndex(({ isr, elr, lastKnownElr }) => [isr, elr, lastKnownElr].some(ids => ids.includes(id)))
    if (at !== -1) return `Broker ${id} may still lead partition ${name}-${at}: move its replicas to other brokers first.`
  }
  return null
}
