// FindCoordinator, versions 0 to 6; several keys from version 4 on (KIP-699). The coordinator of a group is the leader of its partition of
// __consumer_offsets, which is created when somebody first asks; other than Kafka, which answers COORDINATOR_NOT_AVAILABLE while it creates
// it, this waits for that. The same goes for transactional ids and __transaction_state. Share groups have no coordinator yet:
// COORDINATOR_NOT_AVAILABLE, which clients try again.
import type { Metadata } from '@ottla/metadata'
import { ErrorCode, errorOf, findCoordinatorApi, type FindCoordinatorRequest, type FindCoordinatorResponseInit } from '@ottla/protocol'
import type { AutomaticTopics } from '../controller/index.ts'
import { OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import { TRANSACTIONS_TOPIC } from '../coordinator/transaction-coordinator.ts'
import type { Slices } from '../replica/slices.ts'
import { afterwards, handler, type Handler } from '../requests/handler.ts'
import { endpointOf } from './endpoints.ts'

const KeyType = { group: 0, transaction: 1, share: 2 } as const
const NOWHERE = { nodeId: -1, host: '', port: -1 } as const

/** What the handler needs. */
export interface FindCoordinatorParts {
  readonly metadata: Metadata
  readonly automaticTopics: AutomaticTopics
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
  readonly slices: Slices
  readonly groups: Coordinators
  readonly transactions: Coordinators
}

/** One kind of coordinators. */
interface Coordinators {
  /** Partition of the internal topic that a key belongs to. */
  partitionOf(key: string): number
  /** Resolves once no partition that is led here is loading. */
  loaded(): Promise<void>
}

/** Where the coordinator of one key is; an error code where it is nowhere. */
interface Place {
  readonly errorCode: number
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

const nowhere = (errorCode: number): Place => ({ ...NOWHERE, errorCode })

/** Keys between two looks at the clock. */
const BETWEEN_LOOKS = 32

/** The old versions carry a message always, `NONE` for success; the new ones, as in Kafka, only for errors of the whole request. */
function answer(
  request: FindCoordinatorRequest,
  { version, slices, placeOf }: { readonly version: number; readonly slices: Slices; readonly placeOf: (key: string) => Place },
): FindCoordinatorResponseInit | Promise<FindCoordinatorResponseInit> {
  if (version < 4) {
    const place = placeOf(request.key)
    return { ...place, errorMessage: place.errorCode === ErrorCode.NONE ? 'NONE' : errorOf(place.errorCode).message }
  }
  const found = slices.map(request.coordinatorKeys, key => foundFor(key, placeOf(key)), BETWEEN_LOOKS)
  return afterwards(found, coordinators => ({ coordinators }))
}

const foundFor = (key: string, { errorCode, nodeId, host, port }: Place) => ({ key, nodeId, host, port, errorCode, errorMessage: '' })

function refusal(errorCode: number, request: FindCoordinatorRequest, version: number): FindCoordinatorResponseInit {
  const errorMessage = errorOf(errorCode).message
  if (version < 4) return { ...NOWHERE, errorCode, errorMessage }
  return { coordinators: request.coordinatorKeys.map(key => ({ ...NOWHERE, key, errorCode, errorMessage })) }
}

/** Serves FindCoordinator. */
export function findCoordinator(parts: FindCoordinatorParts): Handler<typeof findCoordinatorApi> {
  const { metadata, automaticTopics, applied, slices, groups, transactions } = parts
  const placeOf = (topic: string, partition: number, listener: string): Place => {
    const { image } = metadata
    const leader = image.topic(topic)?.partitions[partition]?.leader ?? -1
    const broker = image.brokers.get(leader)
    const endpoint = endpointOf(broker, listener)
    if (endpoint === undefined || broker === undefined || broker.fenced) return nowhere(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return { errorCode: ErrorCode.NONE, nodeId: leader, host: endpoint.host, port: endpoint.port }
  }
  return handler({
    api: findCoordinatorApi,
    versions: [0, 6],
    handle(request, { apiVersion, connection }) {
      const { keyType } = request
      if (keyType === KeyType.share) {
        const errorCode = apiVersion < 6 ? ErrorCode.INVALID_REQUEST : ErrorCode.COORDINATOR_NOT_AVAILABLE
        return answer(request, { version: apiVersion, slices, placeOf: () => nowhere(errorCode) })
      }
      if (keyType !== KeyType.group && keyType !== KeyType.transaction) return refusal(ErrorCode.INVALID_REQUEST, request, apiVersion)
      const [topic, coordinators] =
        keyType === KeyType.group ? ([OFFSETS_TOPIC, groups] as const) : ([TRANSACTIONS_TOPIC, transactions] as const)
      const { image } = metadata
      const places = new Map<number, Place>()
      const placeOfPartition = (partition: number): Place => {
        let place = metadata.image === image ? places.get(partition) : undefined
        if (place === undefined) places.set(partition, (place = placeOf(topic, partition, connection.listener)))
        return place
      }
      const found = () => answer(request, { version: apiVersion, slices, placeOf: key => placeOfPartition(coordinators.partitionOf(key)) })
      if (metadata.image.topic(topic) !== undefined) return found()
      return automaticTopics
        .create([topic])
        .then(applied)
        .then(() => coordinators.loaded())
        .then(found)
    },
    onError: (errorCode, request, { apiVersion }) => refusal(errorCode, request, apiVersion),
  })
}
