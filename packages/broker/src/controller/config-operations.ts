// What IncrementalAlterConfigs does with single settings, before they are checked.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { brokerDefinition, definitionsFor } from '../config/index.ts'
import type { ConfigType } from '@ottla/metadata'

/** What IncrementalAlterConfigs does with one setting, by number (AlterConfigOp.OpType). */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

const operationNames: readonly string[] = ['SET', 'DELETE', 'APPEND', 'SUBTRACT']

export interface ConfigChange {
  readonly name: string
  readonly operation: number
  /** Null only for DELETE. */
  readonly value: string | null
}

/** All settings of a resource after some changes to what it has. Throws KafkaError where a list is wanted and there is none. */
export function applyChanges(
  current: ReadonlyMap<string, string>,
  changes: readonly ConfigChange[],
  type: ConfigType,
): ReadonlyMap<string, string> {
  const next = new Map(current)
  for (const { name, operation, value } of changes) {
    switch (operation) {
      case ConfigOperation.SET:
        next.set(name, value ?? '')
        break
      case ConfigOperation.DELETE:
        next.delete(name)
        break
      case ConfigOperation.APPEND:
      case ConfigOperation.SUBTRACT: {
        const list = partsOf(next.get(name) ?? listDefault(name, operation, type))
        const parts = (value ?? '').split(',')
        next.set(name, (operation === ConfigOperation.APPEND ? appended(list, parts) : without(list, parts)).join(','))
        break
      }
      default:
        throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown operations type ${operation}`)
    }
  }
  return next
}

const partsOf = (text: string): string[] => text.split(',').filter(part => part !== '')

function appended(list: readonly string[], parts: readonly string[]): string[] {
  const result = [...list]
  for (const part of parts) if (!result.includes(part)) result.push(part)
  return result
}

function without(list: readonly string[], parts: readonly string[]): string[] {
  const result = [...list]
  for (const part of parts) {
    const at = result.indexOf(part)
    if (at >= 0) result.splice(at, 1)
  }
  return result
}

/** The default of a list. Wording as Kafka's ConfigAdminManager (brokers) and ConfigurationControlManager (all others). */
function listDefault(name: string, operation: number, type: ConfigType): string {
  const definition = type === 'broker' ? brokerDefinition(name) : definitionsFor[type].get(name)
  const operationName = operationNames[operation] ?? ''
  if (definition?.type === 'LIST') return definition.defaultText ?? ''
  if (type !== 'broker') {
    throw new KafkaError(ErrorCode.INVALID_CONFIG, `Can't ${operationName} to key ${name} because its type is not LIST.`)
  }
  const message = definition
    ? `Config value ${operationName.toLowerCase()} is not allowed for config key: ${name}`
    : `Unknown config name: ${name}`
  throw new KafkaError(ErrorCode.INVALID_CONFIG, message)
}

/** The settings of all brokers that matter for safety may only be changed so that all brokers agree (KIP-966). */
export function checkMinInsyncReplicas(name: string, next: ReadonlyMap<string, string>, current: ReadonlyMap<string, string>): void {
  const setting = 'min.insync.replicas'
  if (next.get(setting) === current.get(setting)) return
  if (name !== '') throw new KafkaError(ErrorCode.INVALID_CONFIG, `Broker-level ${setting} cannot be altered while ELR is enabled.`)
  if (!next.has(setting)) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Cluster-level ${setting} cannot be removed while ELR is enabled.`)
}
