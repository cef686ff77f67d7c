import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string } from '../schema.ts'

/** Moves replicas between log directories of a broker (KIP-113). */
export const alterReplicaLogDirsApi = api({
  name: 'AlterReplicaLogDirs',
  key: 34,
  versions: '1-2',
  flexible: '2+',
  request: {
    dirs: array({
      path: string,
      topics: array({
        name: string,
        partitions: array(int32),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
      }),
    }),
  },
})

export interface AlterReplicaLogDirsRequest extends RequestOf<typeof alterReplicaLogDirsApi> {}
export interface AlterReplicaLogDirsRequestInit extends RequestInitOf<typeof alterReplicaLogDirsApi> {}
export interface AlterReplicaLogDirsResponse extends ResponseOf<typeof alterReplicaLogDirsApi> {}
export interface AlterReplicaLogDirsResponseInit extends ResponseInitOf<typeof alterReplicaLogDirsApi> {}
