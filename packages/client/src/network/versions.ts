// Which versions of which APIs a broker serves, and the one that is used: the highest that both sides know.
import type { AnyApi, ApiVersionsResponse } from '@ottla/protocol'
import { bounds } from '@ottla/protocol'
import { KafkaJSServerDoesNotSupportApiKey } from '../errors/index.ts'
import { firstReleaseOf } from './releases.ts'

/** What to do about a broker that serves only versions which this client has not any more. */
function olderThan(api: AnyApi): string {
  const release = firstReleaseOf(api)
  return release === undefined ? 'upgrade the broker' : `upgrade the broker to Apache Kafka ${release} or newer`
}

/** What one broker serves. */
export class ServedVersions {
  readonly #broker: string
  readonly #ranges: ReadonlyMap<number, readonly [low: number, high: number]>
  readonly #chosen = new Map<AnyApi, number>()

  constructor(broker: string, apiKeys: ApiVersionsResponse['apiKeys']) {
    this.#broker = broker
    this.#ranges = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]))
  }

  /** Whether the broker serves an API in any version. */
  serves(api: AnyApi): boolean {
    return this.#ranges.has(api.key)
  }

  /** The version to be used, at most `maxVersion`. Throws KafkaJSServerDoesNotSupportApiKey. */
  choose(api: AnyApi, maxVersion?: number): number {
    if (maxVersion === undefined) {
      const known = this.#chosen.get(api)
      if (known !== undefined) return known
    }
    const [low, high] = bounds(api.versions)
    const mostHigh = Math.min(high, maxVersion ?? high)
    const served = this.#ranges.get(api.key)
    const facts = { apiKey: api.key, apiName: api.name }
    if (served === undefined) {
      const release = firstReleaseOf(api)
      const needed =
        release === undefined ? 'the broker is too old for this call' : `Apache Kafka has it since ${release}, and the broker is older`
      const text = `${this.#broker} does not serve ${api.name} (API key ${api.key}): ${needed}, it is switched off there, or this is the port of a controller`
      throw new KafkaJSServerDoesNotSupportApiKey(text, facts)
    }
    const version = Math.min(mostHigh, served[1])
    if (version < Math.max(low, served[0])) {
      const text = `${this.#broker} serves ${api.name} (API key ${api.key}) in versions ${served[0]} to ${served[1]}, this call needs ${low} to ${mostHigh}`
      throw new KafkaJSServerDoesNotSupportApiKey(
        `${text}: ${served[1] < low ? olderThan(api) : 'use a newer release of the client'}`,
        facts,
      )
    }
    if (maxVersion === undefined) this.#chosen.set(api, version)
    return version
  }
}
