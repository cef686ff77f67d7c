// What AlterConfigs and IncrementalAlterConfigs have in common: each resource succeeds or fails for itself.
import type { ConfigType } from '@ottla/metadata'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { type ConfigAlteration, type Configs, repeated } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { configTypeOf, ResourceType } from './config-resources.ts'

interface Resource<C> {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly C[]
}

interface ConfigOf {
  readonly name: string
  readonly value: string | null
}

export interface AlterParts {
  readonly configs: Configs
  readonly slices: Slices
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
}

export interface ResourceResult {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

interface Work<C> {
  readonly resources: readonly Resource<C>[]
  readonly validateOnly: boolean
  /** Whether a setting may come without a value. */
  readonly mayLackValue: (config: C) => boolean
  /** Throws for levels of loggers that cannot be altered, which is all of them; where it is left out, there is no such resource. */
  readonly checkLoggers?: (name: string, configs: readonly C[]) => void
  readonly changeOf: (configs: readonly C[]) => ConfigAlteration['change']
}

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REQUEST, message)

/** Alters each resource; resolves once this broker goes by the new settings. Checks as in Kafka's ConfigAdminManager. */
export async function alterResources<C extends ConfigOf>(
  { configs, slices, applied }: AlterParts,
  work: Work<C>,
): Promise<ResourceResult[]> {
  const idOf = (resource: Resource<C>): string => `${resource.resourceType}/${resource.resourceName}`
  const twice = repeated(work.resources.map(idOf))
  let revision = 0
  const alter = async (resource: Resource<C>): Promise<void> => {
    if (twice.has(idOf(resource))) throw invalid('Each resource must appear at most once.')
    const type = checkResource(resource, work)
    const change = work.changeOf(resource.configs)
    revision = Math.max(revision, await configs.alter({ type, name: resource.resourceName, change }, work.validateOnly))
  }
  const settled = await slices.gather(work.resources, async resource => {
    const { resourceType, resourceName } = resource
    try {
      await alter(resource)
      return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName }
    }
  })
  await applied(revision)
  return settled
}

function checkResource<C extends ConfigOf>(resource: Resource<C>, work: Work<C>): ConfigType {
  if (repeated(resource.configs.map(({ name }) => name)).size > 0) throw invalid('Error due to duplicate config keys')
  const withoutValue = resource.configs.filter(config => config.value === null && !work.mayLackValue(config))
  if (withoutValue.length > 0) throw invalid(`Null value not supported for : ${withoutValue.map(({ name }) => name).join(', ')}`)
  if (resource.resourceType === ResourceType.BROKER_LOGGER) work.checkLoggers?.(resource.resourceName, resource.configs)
  const type = configTypeOf(resource.resourceType)
  if (type === undefined) throw invalid(`Unknown resource type ${resource.resourceType}`)
  return type
}
