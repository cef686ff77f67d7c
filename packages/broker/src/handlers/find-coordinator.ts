// FindCoordinator, versions 0 to 6; several keys from version 4 on (KIP-699). There are no coordinators yet, so every answer is
// COORDINATOR_NOT_AVAILABLE, which clients try again. It is served because librdkafka only compresses with LZ4 where it sees this API.
import { ErrorCode, errorOf, findCoordinatorApi, type FindCoordinatorRequest, type FindCoordinatorResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'

const SHARE = 2
const NOWHERE = { nodeId: -1, host: '', port: -1 } as const

function answer(errorCode: number, request: FindCoordinatorRequest, version: number): FindCoordinatorResponseInit {
  const errorMessage = errorOf(errorCode).message
  if (version < 4) return { ...NOWHERE, errorCode, errorMessage }
  return { coordinators: request.coordinatorKeys.map(key => ({ ...NOWHERE, key, errorCode, errorMessage: null })) }
}

/** Serves FindCoordinator. */
export function findCoordinator(): Handler<typeof findCoordinatorApi> {
  return handler({
    api: findCoordinatorApi,
    versions: [0, 6],
    handle(request, { apiVersion }) {
      const { keyType } = request
      const isKnown = keyType >= 0 && (keyType < SHARE || (keyType === SHARE && apiVersion >= 6))
      return answer(isKnown ? ErrorCode.COORDINATOR_NOT_AVAILABLE : ErrorCode.INVALID_REQUEST, request, apiVersion)
    },
    onError: (errorCode, request, { apiVersion }) => answer(errorCode, request, apiVersion),
  })
}
