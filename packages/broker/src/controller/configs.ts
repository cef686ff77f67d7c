// Altering settings: checks first, then one transaction for each resource.
import { type Check, type ConfigType, encodeConfig, keys, type Metadata, type MetadataStore } from '@ottla/metadata'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import {
  type BrokerConfig,
  validateClientMetricsConfigs,
  validateDynamicConfigs,
  validateGroupConfigs,
  validateTopicConfigs,
} from '../config/index.ts'
import { checkClientMetricsLimits, checkGroupLimits } from './config-limits.ts'
import { applyChanges, checkMinInsyncReplicas, type ConfigChange } from './config-operations.ts'
import { asKafkaError, commitOrThrow } from './store-failures.ts'
import { topicNameProblem } from './topic-names.ts'

const ATTEMPTS = 5

/** Longest value that Kafka's records of settings hold. */
const MAX_VALUE_LENGTH = 32_767

const invalidRequest = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REQUEST, message)

export interface ConfigsParts {
  readonly store: Pick<MetadataStore, 'commit'>
  readonly metadata: Metadata
  readonly config: BrokerConfig
}

/** New settings of one resource: all of them, or changes to those it has. */
export interface ConfigAlteration {
  readonly type: ConfigType
  /** Empty for a broker: all brokers. */
  readonly name: string
  readonly change: { readonly replaceBy: ReadonlyMap<string, string> } | { readonly changes: readonly ConfigChange[] }
}

/**
 * Alters settings of topics, brokers, groups and client metrics, after the checks of Kafka's ConfigAdminManager,
 * ControllerConfigurationValidator and ConfigurationControlManager. Any broker may do it: the store decides who was first.
 */
export class Configs {
  readonly #parts: ConfigsParts

  constructor(parts: ConfigsParts) {
    this.#parts = parts
  }

  /** Alters one resource; returns the revision, 0 where nothing changed or was to be. Throws KafkaError. */
  async alter(alteration: ConfigAlteration, validateOnly: boolean): Promise<number> {
    const { type, name, change } = alteration
    const { metadata, store } = this.#parts
    for (let attempt = 1; ; attempt++) {
      const image = metadata.image
      const current = image.config(type, name)
      const next = 'replaceBy' in change ? change.replaceBy : applyChanges(current, change.changes, type)
      this.#validate({ type, name, next, current })
      const exists = this.#existence(type, name)
      if (validateOnly || sameEntries(current, next)) return 0
      const key = keys.config(type, name)
      const outcome = await commitOrThrow(store, {
        checks: [{ key, modRevision: image.configRevision(type, name) }, ...exists],
        writes: [next.size === 0 ? { key, value: null } : { key, value: encodeConfig(next) }],
      })
      if (outcome.succeeded) return outcome.revision
      if (attempt === ATTEMPTS) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'The settings were changed at the same time.')
      await metadata.applied(outcome.revision).catch((error: unknown) => {
        throw asKafkaError(error)
      })
    }
  }

  /** Throws for overrides that a new topic may not have. */
  validateTopic(configs: ReadonlyMap<string, string>): void {
    checkLengths(configs)
    validateTopicConfigs(configs, this.#parts.config)
  }

  #validate(work: { type: ConfigType; name: string; next: ReadonlyMap<string, string>; current: ReadonlyMap<string, string> }): void {
    const { type, name, next, current } = work
    const { config } = this.#parts
    switch (type) {
      case 'topic': {
        if (name === '') throw invalidRequest('Default topic resources are not allowed.')
        const problem = topicNameProblem(name)
        if (problem !== null) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
        this.validateTopic(next)
        return
      }
      case 'broker':
        if (name !== '' && name !== String(config.nodeId)) throw notThisBroker(name, config.nodeId)
        validateDynamicConfigs(next, { perBroker: name !== '', config })
        checkMinInsyncReplicas(name, next, current)
        checkLengths(next)
        return
      case 'group':
        if (name === '') throw invalidRequest('Default group resources are not allowed.')
        checkLengths(next)
        validateGroupConfigs(next)
        checkGroupLimits(next, config)
        return
      case 'client-metrics':
        if (name === '') throw invalidRequest("Subscription name can't be empty")
        checkLengths(next)
        validateClientMetricsConfigs(next)
        checkClientMetricsLimits(next)
    }
  }

  /** Checks that must hold when the settings are written: a topic must still be there. */
  #existence(type: ConfigType, name: string): Check[] {
    if (type !== 'topic') return []
    const topic = this.#parts.metadata.image.topic(name)
    if (!topic) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`)
    return [{ key: keys.topicId(topic.id), value: name }]
  }
}

function notThisBroker(name: string, nodeId: number): KafkaError {
  return /^[+-]?\d{1,10}$/.test(name)
    ? invalidRequest(`Unexpected broker id, expected ${nodeId}, but received ${name}`)
    : invalidRequest(`Node id must be an integer, but it is: ${name}`)
}

function checkLengths(configs: ReadonlyMap<string, string>): void {
  for (const value of configs.values()) {
    if (value.length > MAX_VALUE_LENGTH) {
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        `The configuration value cannot be added because it exceeds the maximum value size of ${MAX_VALUE_LENGTH} bytes.`,
      )
    }
  }
}

const sameEntries = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
