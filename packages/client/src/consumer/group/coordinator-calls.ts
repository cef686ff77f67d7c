// Requests to the coordinator of a group. A coordinator that is not one any more, or cannot be reached, is looked for anew by the next request.
import type { AnyApi } from '@ottla/protocol'
import { ErrorCode } from '@ottla/protocol'
import type { Answer, BodyFor, Cluster, RequestOptions } from '../../cluster/cluster.ts'
import { protocolError } from '../../errors/index.ts'

/** Codes after which the coordinator has to be looked for. */
const moved: ReadonlySet<number> = new Set([ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE])

/** Who asks. */
export interface GroupCaller {
  readonly cluster: Cluster
  readonly groupId: string
}

/** Sends a request to the group's coordinator. */
export async function askCoordinator<A extends AnyApi>(
  { cluster, groupId }: GroupCaller,
  call: { readonly api: A; readonly body: BodyFor<A> },
  options: RequestOptions = {},
): Promise<Answer<A>> {
  const to = { group: groupId }
  try {
    return await cluster.request(to, call.api, call.body, options)
  } catch (error) {
    if (options.signal?.aborted !== true) cluster.forgetCoordinator(to)
    throw error
  }
}

/** The error of a code as one to be thrown; forgets the coordinator where the code asks for that. */
export function coordinatorError({ cluster, groupId }: GroupCaller, code: number): Error {
  if (moved.has(code)) cluster.forgetCoordinator({ group: groupId })
  return protocolError(code)
}
