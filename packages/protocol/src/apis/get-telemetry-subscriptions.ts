import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string, uuid } from '../schema.ts'

/** Which metrics a client should send (KIP-714). */
export const getTelemetrySubscriptionsApi = api({
  name: 'GetTelemetrySubscriptions',
  key: 71,
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    clientInstanceId: uuid,
    subscriptionId: int32,
    acceptedCompressionTypes: array(int8),
    pushIntervalMs: int32,
    telemetryMaxBytes: int32,
    deltaTemporality: bool,
    requestedMetrics: array(string),
  },
})

export interface GetTelemetrySubscriptionsRequest extends RequestOf<typeof getTelemetrySubscriptionsApi> {}
export interface GetTelemetrySubscriptionsRequestInit extends RequestInitOf<typeof getTelemetrySubscriptionsApi> {}
export interface GetTelemetrySubscriptionsResponse extends ResponseOf<typeof getTelemetrySubscriptionsApi> {}
export interface GetTelemetrySubscriptionsResponseInit extends ResponseInitOf<typeof getTelemetrySubscriptionsApi> {}
