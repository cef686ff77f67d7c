import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/** Changes finalized features (KIP-584). */
export const updateFeaturesApi = api({
  name: 'UpdateFeatures',
  key: 57,
  versions: '0-2',
  flexible: '0+',
  request: {
    timeoutMs: int32.default(60000),
    featureUpdates: array({
      feature: string,
      maxVersionLevel: int16,
      allowDowngrade: bool.in('0'),
      upgradeType: int8.default(1).in('1+'),
    }),
    validateOnly: bool.default(false).in('1+'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
    results: array({
      feature: string,
      errorCode: int16,
      errorMessage: string.nullable(),
    })
      .in('0-1')
      .ignorable(),
  },
})

export interface UpdateFeaturesRequest extends RequestOf<typeof updateFeaturesApi> {}
export interface UpdateFeaturesRequestInit extends RequestInitOf<typeof updateFeaturesApi> {}
export interface UpdateFeaturesResponse extends ResponseOf<typeof updateFeaturesApi> {}
export interface UpdateFeaturesResponseInit extends ResponseInitOf<typeof updateFeaturesApi> {}
