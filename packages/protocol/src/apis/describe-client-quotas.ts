import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, float64, int16, int32, int8, string } from '../schema.ts'

/** Lists client quotas (KIP-546). */
export const describeClientQuotasApi = api({
  name: 'DescribeClientQuotas',
  key: 48,
  versions: '0-1',
  flexible: '1+',
  request: {
    components: array({
      entityType: string,
      matchType: int8,
      match: string.nullable(),
    }),
    strict: bool,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
    entries: array({
      entity: array({
        entityType: string,
        entityName: string.nullable(),
      }),
      values: array({
        key: string,
        value: float64,
      }),
    }).nullable(),
  },
})

export interface DescribeClientQuotasRequest extends RequestOf<typeof describeClientQuotasApi> {}
export interface DescribeClientQuotasRequestInit extends RequestInitOf<typeof describeClientQuotasApi> {}
export interface DescribeClientQuotasResponse extends ResponseOf<typeof describeClientQuotasApi> {}
export interface DescribeClientQuotasResponseInit extends ResponseInitOf<typeof describeClientQuotasApi> {}
