import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, bool, bytes, int16, int32, int8, uuid } from '../schema.ts'

/** Metrics from a client (KIP-714). */
export const pushTelemetryApi = api({
  name: 'PushTelemetry',
  key: 72,
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: bool,
    compressionType: int8,
    metrics: bytes,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
  },
})

export interface PushTelemetryRequest extends RequestOf<typeof pushTelemetryApi> {}
export interface PushTelemetryRequestInit extends RequestInitOf<typeof pushTelemetryApi> {}
export interface PushTelemetryResponse extends ResponseOf<typeof pushTelemetryApi> {}
export interface PushTelemetryResponseInit extends ResponseInitOf<typeof pushTelemetryApi> {}
