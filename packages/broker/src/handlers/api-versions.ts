// ApiVersions, versions 0 to 4: what the list of handlers serves, and the features of the cluster (KIP-511, KIP-584).
// A version that is not known is answered in version 0 with UNSUPPORTED_VERSION and this API alone.
// Features whose lowest level is 0 are left out below version 4, as older clients take such a range for malformed (KIP-1022).
import type { ApiVersionsResponseInit } from '@ottla/protocol'
import { apiVersionsApi, ErrorCode } from '@ottla/protocol'
import type { AnyHandler } from '../requests/handler.ts'
import { handler } from '../requests/handler.ts'

/** The levels of a feature that this broker knows. */
export interface SupportedFeature {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

/** The level of a feature that the cluster has agreed on. */
export interface FinalizedFeature {
  readonly name: string
  readonly minVersionLevel: number
  readonly maxVersionLevel: number
}

/** Features as ApiVersions tells them. A new object whenever anything changes. */
export interface Features {
  readonly supported: readonly SupportedFeature[]
  readonly finalized: readonly FinalizedFeature[]
  /** Grows with each change of the finalized ones; -1 if unknown. */
  readonly epoch: number
}

/** What ApiVersions answers from: the list of all handlers (asked when a request comes, so it may hold this one) and the features. */
export interface ApiVersionsParts {
  handlers(): readonly AnyHandler[]
  features(): Features
}

/** Makes the handler. */
export const apiVersions = (parts: ApiVersionsParts): AnyHandler => {
  let apiKeys: ApiVersionsResponseInit['apiKeys'] | null = null
  return handler({
    api: apiVersionsApi,
    versions: [0, 4],
    handle(request, context) {
      if (context.apiVersion >= 3) {
        const { clientSoftwareName: name, clientSoftwareVersion: version } = request
        if (!isSoftwareText(name) || !isSoftwareText(version)) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
        context.connection.clientSoftwareName = name
        context.connection.clientSoftwareVersion = version
      }
      apiKeys ??= advertised(parts.handlers())
      const { supported, finalized, epoch } = parts.features()
      return {
        errorCode: ErrorCode.NONE,
        apiKeys,
        supportedFeatures: context.apiVersion < 4 ? supported.filter(feature => feature.minVersion > 0) : supported,
        finalizedFeatures: finalized,
        finalizedFeaturesEpoch: epoch,
      }
    },
    onError: code => ({ errorCode: code, apiKeys: [] }),
  })
}

/** The answer to a version that is not known, to be sent as version 0. */
export function unsupportedVersion(self: AnyHandler): ApiVersionsResponseInit {
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: advertised([self]) }
}

function advertised(handlers: readonly AnyHandler[]): ApiVersionsResponseInit['apiKeys'] {
  return handlers
    .map(({ api, versions, advertised: [minVersion, maxVersion] = versions }) => ({ apiKey: api.key, minVersion, maxVersion }))
    .toSorted((a, b) => a.apiKey - b.apiKey)
}

/** Letters and digits, with '-' and '.' between them (KIP-511). */
function isSoftwareText(text: string): boolean {
  return /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/.test(text)
}
