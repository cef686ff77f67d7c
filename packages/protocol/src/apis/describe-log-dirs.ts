import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

/** Log directories of a broker and what lies in them (KIP-113). */
export const describeLogDirsApi = api({
  name: 'DescribeLogDirs',
  key: 35,
  versions: '1-5',
  flexible: '2+',
  request: {
    topics: array({
      topic: string,
      partitions: array(int32),
    }).nullable(),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.in('3+').ignorable(),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          partitionSize: int64,
          offsetLag: int64,
          isFutureKey: bool,
        }),
      }),
      totalBytes: int64.default(-1).in('4+').ignorable(),
      usableBytes: int64.default(-1).in('4+').ignorable(),
      isCordoned: bool.default(false).in('5+').ignorable(),
    }),
  },
})

export interface DescribeLogDirsRequest extends RequestOf<typeof describeLogDirsApi> {}
export interface DescribeLogDirsRequestInit extends RequestInitOf<typeof describeLogDirsApi> {}
export interface DescribeLogDirsResponse extends ResponseOf<typeof describeLogDirsApi> {}
export interface DescribeLogDirsResponseInit extends ResponseInitOf<typeof describeLogDirsApi> {}
