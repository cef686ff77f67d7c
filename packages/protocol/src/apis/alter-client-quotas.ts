import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, float64, int16, int32, string } from '../schema.ts'

/** Changes client quotas (KIP-546). */
export const alterClientQuotasApi = api({
  name: 'AlterClientQuotas',
  key: 49,
  versions: '0-1',
  flexible: '1+',
  request: {
    entries: array({
      entity: array({
        entityType: string,
        entityName: string.nullable(),
      }),
      ops: array({
        key: string,
        value: float64,
        remove: bool,
      }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    entries: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      entity: array({
        entityType: string,
        entityName: string.nullable(),
      }),
    }),
  },
})

export interface AlterClientQuotasRequest extends RequestOf<typeof alterClientQuotasApi> {}
export interface AlterClientQuotasRequestInit extends RequestInitOf<typeof alterClientQuotasApi> {}
export interface AlterClientQuotasResponse extends ResponseOf<typeof alterClientQuotasApi> {}
export interface AlterClientQuotasResponseInit extends ResponseInitOf<typeof alterClientQuotasApi> {}
