import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/** Changes single settings (KIP-339). */
export const incrementalAlterConfigsApi = api({
  name: 'IncrementalAlterConfigs',
  key: 44,
  versions: '0-1',
  flexible: '1+',
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        configOperation: int8,
        value: string.nullable(),
      }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    responses: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string,
    }),
  },
})

export interface IncrementalAlterConfigsRequest extends RequestOf<typeof incrementalAlterConfigsApi> {}
export interface IncrementalAlterConfigsRequestInit extends RequestInitOf<typeof incrementalAlterConfigsApi> {}
export interface IncrementalAlterConfigsResponse extends ResponseOf<typeof incrementalAlterConfigsApi> {}
export interface IncrementalAlterConfigsResponseInit extends ResponseInitOf<typeof incrementalAlterConfigsApi> {}
