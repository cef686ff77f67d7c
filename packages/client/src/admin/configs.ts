// Settings of topics, brokers, groups and client metrics. Those of a broker are asked of that broker, all others of the controller. Kinds are
// numbers, since brokers know ones that this client does not.
import { alterConfigsApi, describeConfigsApi, incrementalAlterConfigsApi, listConfigResourcesApi } from '@ottla/protocol'
import type { Destination } from '../cluster/cluster.ts'
import { check } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, grouped, invalid } from './calls.ts'
import { checkKinds, isList, shown } from './checks.ts'

/** What has settings. */
export const ConfigResourceTypes = { UNKNOWN: 0, TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const
export type ConfigResourceTypes = number

/** Where the value of a setting comes from. */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  DYNAMIC_CLIENT_METRICS_CONFIG: 7,
  DYNAMIC_GROUP_CONFIG: 8,
} as const
export type ConfigSource = number

/** What an incremental change does: append and subtract are for settings that are lists. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const
export type ConfigOperation = (typeof ConfigOperation)[keyof typeof ConfigOperation]

/** Whose settings are asked for, and which; all without names. */
export interface ResourceConfigQuery {
  type: ConfigResourceTypes
  name: string
  configNames?: string[]
}

/** Another place that gives the setting a value, in the order in which places count. */
export interface ConfigSynonyms {
  configName: string
  configValue: string
  configSource: ConfigSource
}

/** A setting. As in KafkaJS the types do not say that the value of a sensitive setting is null. */
export interface ConfigEntries {
  configName: string
  configValue: string
  isDefault: boolean
  configSource: ConfigSource
  isSensitive: boolean
  readOnly: boolean
  configSynonyms: ConfigSynonyms[]
  /** ConfigDef's type as a number: 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password. */
  configType?: number
  documentation?: string | null
}

/** What describeConfigs resolves with. */
export interface DescribeConfigResponse {
  resources: {
    configEntries: ConfigEntries[]
    errorCode: number
    errorMessage: string
    resourceName: string
    resourceType: ConfigResourceTypes
  }[]
  throttleTime: number
}

/** A setting and its value. */
export interface IResourceConfigEntry {
  name: string
  value: string
}

/** All settings a resource is to have. */
export interface IResourceConfig {
  type: ConfigResourceTypes
  name: string
  configEntries: IResourceConfigEntry[]
}

/** Changes of single settings. */
export interface ResourceConfigChange {
  type: ConfigResourceTypes
  /** The empty name means all brokers. */
  name: string
  changes: { name: string; operation?: ConfigOperation; value?: string | null }[]
}

/** What a change of settings resolves with. */
export interface AlterConfigsResponse {
  resources: { errorCode: number; errorMessage: string | null; resourceType: ConfigResourceTypes; resourceName: string }[]
  throttleTime: number
}

/** What an admin does with settings. */
export interface ConfigAdmin {
  describeConfigs(configs: {
    resources: ResourceConfigQuery[]
    includeSynonyms?: boolean
    includeDocumentation?: boolean
  }): Promise<DescribeConfigResponse>
  /** Replaces all settings of the resources: those not named go back to their defaults. */
  alterConfigs(configs: { validateOnly?: boolean; resources: IResourceConfig[] }): Promise<AlterConfigsResponse>
  /** Changes single settings and leaves all others (KIP-339). */
  incrementalAlterConfigs(configs: { validateOnly?: boolean; resources: ResourceConfigChange[] }): Promise<AlterConfigsResponse>
  /** What has settings of its own (KIP-1142). */
  listConfigResources(options?: { types?: ConfigResourceTypes[] }): Promise<{ type: ConfigResourceTypes; name: string }[]>
}

type Resource = { readonly type: ConfigResourceTypes; readonly name: string }

/** A resource that all methods take. `named` says whether it needs a name. */
function checkResources(resources: readonly Resource[], named = true): void {
  if (!isList(resources)) invalid(`Invalid resources array ${shown(resources)}`)
  if (resources.length === 0) invalid('Resources array cannot be empty')
  checkKinds(resources, { what: 'resource type', kinds: ConfigResourceTypes, kindOf: ({ type }) => type })
  const unnamed = resources.find(({ name }) => typeof name !== 'string' || (named && name === ''))
  if (unnamed !== undefined) invalid(`Invalid resource name ${shown(unnamed.name)}: ${JSON.stringify(unnamed)}`)
}

/** Asks whoever knows the settings of each resource. */
async function ofResources<T extends Resource, R>(
  parts: AdminParts,
  call: { what: string; resources: readonly T[]; ask: (to: Destination, resources: readonly T[]) => Promise<R> },
): Promise<R[]> {
  const nodeOf = ({ type, name }: Resource): Destination => {
    if ((type !== ConfigResourceTypes.BROKER && type !== ConfigResourceTypes.BROKER_LOGGER) || name === '') return 'controller'
    const nodeId = Number(name)
    return Number.isInteger(nodeId) && nodeId >= 0 ? nodeId : invalid(`Invalid resource name ${name}: the name of a broker is its node id`)
  }
  return attempting(parts, call.what, () =>
    Promise.all([...grouped(call.resources, nodeOf)].map(([to, resources]) => call.ask(to, resources))),
  )
}

const describeConfigs =
  (parts: AdminParts): ConfigAdmin['describeConfigs'] =>
  async ({ resources, includeSynonyms = false, includeDocumentation = false }) => {
    checkResources(resources)
    const wrong = resources.find(({ configNames }) => configNames != null && !isList(configNames))
    if (wrong !== undefined) invalid(`Invalid resource configNames ${shown(wrong.configNames)}: ${JSON.stringify(wrong)}`)
    const answers = await ofResources(parts, {
      what: 'Could not describe configs',
      resources,
      ask: async (to, of) => {
        const { body } = await parts.cluster.request(to, describeConfigsApi, version => ({
          resources: of.map(({ type, name, configNames }) => ({
            resourceType: type,
            resourceName: name,
            configurationKeys: configNames?.length ? configNames : null,
          })),
          includeSynonyms,
          ...(version >= 3 && { includeDocumentation }),
        }))
        for (const { errorCode, errorMessage } of body.results) check(errorCode, errorMessage)
        return body
      },
    })
    const results = answers.flatMap(answer => answer.results)
    return {
      throttleTime: Math.max(0, ...answers.map(({ throttleTimeMs }) => throttleTimeMs)),
      resources: results.map(({ errorCode, errorMessage, resourceType, resourceName, configs }) => ({
        errorCode,
        errorMessage: errorMessage!,
        resourceType,
        resourceName,
        configEntries: configs.map(config => ({
          configName: config.name,
          configValue: config.value!,
          readOnly: config.readOnly,
          isDefault: config.configSource === ConfigSource.DEFAULT_CONFIG,
          configSource: config.configSource,
          isSensitive: config.isSensitive,
          configSynonyms: config.synonyms.map(({ name, value, source }) => ({
            configName: name,
            configValue: value!,
            configSource: source,
          })),
          configType: config.configType,
          ...(includeDocumentation && { documentation: config.documentation }),
        })),
      })),
    }
  }

type Altered = {
  readonly throttleTimeMs: number
  readonly responses: readonly { errorCode: number; errorMessage: string | null; resourceType: number; resourceName: string }[]
}

function altered(answers: readonly Altered[]): AlterConfigsResponse {
  return {
    throttleTime: Math.max(0, ...answers.map(({ throttleTimeMs }) => throttleTimeMs)),
    resources: answers.flatMap(({ responses }) => responses.map(({ resourceType, ...rest }) => ({ ...rest, resourceType }))),
  }
}

const alterConfigs =
  (parts: AdminParts): ConfigAdmin['alterConfigs'] =>
  async ({ resources, validateOnly = false }) => {
    checkResources(resources)
    const wrong = resources.find(({ configEntries }) => !isList(configEntries))
    if (wrong !== undefined) invalid(`Invalid resource configEntries ${shown(wrong.configEntries)}: ${JSON.stringify(wrong)}`)
    const odd = resources.find(({ configEntries }) => configEntries.some(of => typeof of.name !== 'string' || typeof of.value !== 'string'))
    if (odd !== undefined) invalid(`Invalid resource config value: ${JSON.stringify(odd)}`)
    const ask = async (to: Destination, of: readonly IResourceConfig[]): Promise<Altered> => {
      const { body } = await parts.cluster.request(to, alterConfigsApi, {
        resources: of.map(({ type, name, configEntries }) => ({ resourceType: type, resourceName: name, configs: configEntries })),
        validateOnly,
      })
      for (const { errorCode, errorMessage } of body.responses) check(errorCode, errorMessage)
      return body
    }
    return altered(await ofResources(parts, { what: 'Could not alter configs', resources, ask }))
  }

const incrementalAlterConfigs =
  (parts: AdminParts): ConfigAdmin['incrementalAlterConfigs'] =>
  async ({ resources, validateOnly = false }) => {
    checkResources(resources, false)
    const wrong = resources.find(({ changes }) => !isList(changes) || changes.some(({ name }) => typeof name !== 'string'))
    if (wrong !== undefined) invalid(`Invalid resource changes: ${JSON.stringify(wrong)}`)
    for (const { changes } of resources)
      checkKinds(changes, { what: 'config operation', kinds: ConfigOperation, kindOf: ({ operation }) => operation ?? ConfigOperation.SET })
    const ask = async (to: Destination, of: readonly ResourceConfigChange[]): Promise<Altered> => {
      const { body } = await parts.cluster.request(to, incrementalAlterConfigsApi, {
        resources: of.map(({ type, name, changes }) => ({
          resourceType: type,
          resourceName: name,
          configs: changes.map(change => ({
            name: change.name,
            configOperation: change.operation ?? ConfigOperation.SET,
            value: change.value ?? null,
          })),
        })),
        validateOnly,
      })
      for (const { errorCode, errorMessage } of body.responses) check(errorCode, errorMessage)
      return body
    }
    return altered(await ofResources(parts, { what: 'Could not alter configs', resources, ask }))
  }

const listConfigResources =
  (parts: AdminParts): ConfigAdmin['listConfigResources'] =>
  ({ types = [] } = {}) =>
    attempting(parts, 'Could not list config resources', async () => {
      const { body } = await parts.cluster.request('any', listConfigResourcesApi, { ...(types.length > 0 && { resourceTypes: types }) })
      check(body.errorCode)
      return body.configResources.map(of => ({ type: of.resourceType, name: of.resourceName }))
    })

/** Makes the part of an admin that deals with settings. */
export const configAdmin = (parts: AdminParts): ConfigAdmin => ({
  describeConfigs: describeConfigs(parts),
  alterConfigs: alterConfigs(parts),
  incrementalAlterConfigs: incrementalAlterConfigs(parts),
  listConfigResources: listConfigResources(parts),
})
