import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Names of the resources that have settings; client metrics only in version 0 (KIP-714, KIP-1142). */
export const listConfigResourcesApi = api({
  name: 'ListConfigResources',
  key: 74,
  versions: '0-1',
  flexible: '0+',
  request: {
    resourceTypes: array(int8).in('1+'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    configResources: array({
      resourceName: string,
      resourceType: int8.default(16).in('1+').ignorable(),
    }),
  },
})

export interface ListConfigResourcesRequest extends RequestOf<typeof listConfigResourcesApi> {}
export interface ListConfigResourcesRequestInit extends RequestInitOf<typeof listConfigResourcesApi> {}
export interface ListConfigResourcesResponse extends ResponseOf<typeof listConfigResourcesApi> {}
export interface ListConfigResourcesResponseInit extends ResponseInitOf<typeof listConfigResourcesApi> {}
