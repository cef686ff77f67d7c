// DescribeCluster, versions 0 to 2 (KIP-700, KIP-919, KIP-1073). Brokers only: there are no controllers with endpoints of their own.
import type { Metadata } from '@ottla/metadata'
import { describeClusterApi, ErrorCode, errorOf } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { CLUSTER_OPERATIONS, NOT_ASKED } from './authorized-operations.ts'
import { brokersOn, controllerOn } from './endpoints.ts'

const BROKERS = 1
const CONTROLLERS = 2

/** Serves DescribeCluster. */
export function describeCluster({ metadata }: { readonly metadata: Metadata }): Handler<typeof describeClusterApi> {
  return handler({
    api: describeClusterApi,
    versions: [0, 2],
    handle(request, { apiVersion, connection: { listener } }) {
      const { endpointType } = request
      if (endpointType !== BROKERS) {
        const isKnown = endpointType === CONTROLLERS
        const code = isKnown ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
        return {
          throttleTimeMs: 0,
          clusterId: '',
          errorCode: apiVersion === 0 ? ErrorCode.INVALID_REQUEST : code,
          errorMessage: isKnown
            ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
            : `Unsupported endpoint type ${endpointType}`,
          brokers: [],
        }
      }
      const { image } = metadata
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        clusterId: image.clusterId,
        controllerId: controllerOn(image, listener),
        brokers: brokersOn(image, listener, request.includeFencedBrokers).map(({ broker, endpoint }) => {
          return { brokerId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack, isFenced: broker.fenced }
        }),
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
      }
    },
    onError: errorCode => ({ throttleTimeMs: 0, errorCode, errorMessage: errorOf(errorCode).message, clusterId: '', brokers: [] }),
  })
}
