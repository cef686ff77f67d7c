import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/** Replaces all settings of a resource. */
export const alterConfigsApi = api({
  name: 'AlterConfigs',
  key: 33,
  versions: '0-2',
  flexible: '2+',
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
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

export interface AlterConfigsRequest extends RequestOf<typeof alterConfigsApi> {}
export interface AlterConfigsRequestInit extends RequestInitOf<typeof alterConfigsApi> {}
export interface AlterConfigsResponse extends ResponseOf<typeof alterConfigsApi> {}
export interface AlterConfigsResponseInit extends ResponseInitOf<typeof alterConfigsApi> {}
