import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

/** Says which APIs and features a broker serves. Its response always has header 0, and an unknown version is answered in version 0 (KIP-511). */
export const apiVersionsApi = api({
  name: 'ApiVersions',
  key: 18,
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string.in('3+').ignorable(),
    clientSoftwareVersion: string.in('3+').ignorable(),
  },
  response: {
    errorCode: int16,
    apiKeys: array({
      apiKey: int16,
      minVersion: int16,
      maxVersion: int16,
    }),
    throttleTimeMs: int32.in('1+').ignorable(),
    supportedFeatures: array({
      name: string,
      minVersion: int16,
      maxVersion: int16,
    })
      .in('3+')
      .tag(0, '3+')
      .ignorable(),
    finalizedFeaturesEpoch: int64.default(-1).in('3+').tag(1, '3+').ignorable(),
    finalizedFeatures: array({
      name: string,
      maxVersionLevel: int16,
      minVersionLevel: int16,
    })
      .in('3+')
      .tag(2, '3+')
      .ignorable(),
    zkMigrationReady: bool.default(false).in('3+').tag(3, '3+').ignorable(),
  },
})

export interface ApiVersionsRequest extends RequestOf<typeof apiVersionsApi> {}
export interface ApiVersionsRequestInit extends RequestInitOf<typeof apiVersionsApi> {}
export interface ApiVersionsResponse extends ResponseOf<typeof apiVersionsApi> {}
export interface ApiVersionsResponseInit extends ResponseInitOf<typeof apiVersionsApi> {}
