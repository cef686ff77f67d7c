// What the user gave: file, environment and overrides put together, the later winning, each setting with its place.
import type { Property } from '@ottla/storage'
import { parseProperties } from '@ottla/storage'
import { brokerDefinitions, dynamicOnlyDefinitions } from './definitions.ts'
import { settingsOfEnvironment } from './environment.ts'
import { nearestName } from './nearest.ts'
import type { ConfigProblem } from './problems.ts'

/** A setting as it was given. */
export interface Given {
  readonly name: string
  readonly text: string
  readonly source: 'file' | 'environment' | 'override'
  /** For messages: 'server.properties line 3', 'variable KAFKA_LISTENERS', '--override'. */
  readonly where: string
}

/** Where a configuration comes from. An override wins over the environment, that over the file, that over the defaults. */
export interface ConfigInput {
  /** Text of a `server.properties`; `name` is for messages. `shipped`: not the user's own, so it decides nothing but defaults. */
  readonly file?: { readonly name: string; readonly text: string; readonly shipped?: boolean }
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** `key=value` texts as of `--override`, or values by name. */
  readonly overrides?: readonly string[] | Readonly<Record<string, string>>
  /** The cluster that the data has to belong to; CLUSTER_ID of the environment is the same. */
  readonly clusterId?: string
}

/** Everything that was given, with what is wrong and what is odd about it. */
export interface GivenConfig {
  readonly settings: ReadonlyMap<string, Given>
  readonly clusterId: string | null
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** Settings that are read under names of their own: a listener's (`listener.name.x.y`), and those that are handed to plug-ins. */
const openNames = /^(?:listener\.name\.[^.]+\..+|config\.providers\..+|rlmm\.config\..+|rsm\.config\..+)$/

/** Puts the sources together. */
export function gather(input: ConfigInput): GivenConfig {
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const settings = new Map<string, Given>()
  const file = input.file
  for (const property of file ? parseProperties(file.text) : []) addFromFile(property)
  const listenersGiven = settings.has('listeners') && file?.shipped !== true
  const environment = settingsOfEnvironment(input.environment ?? {}, { listenersGiven })
  for (const { name, text, variable } of environment.settings)
    settings.set(name, { name, text, source: 'environment', where: `variable ${variable}` })
  for (const [name, text] of overridesOf(input.overrides ?? [], problems))
    settings.set(name, { name, text, source: 'override', where: '--override' })
  // Who names listeners means them to be advertised, not the address that the shipped file has for its own.
  if (file?.shipped && settings.get('listeners')?.source !== 'file' && settings.get('advertised.listeners')?.source === 'file')
    settings.delete('advertised.listeners')
  for (const given of settings.values()) if (!isKnown(given.name)) warnings.push(unknown(given))
  return { settings, clusterId: input.clusterId ?? environment.clusterId?.text ?? null, problems, warnings }

  function addFromFile({ key, value, line }: Property): void {
    const before = settings.get(key)
    const where = `${file?.name ?? ''} line ${line}`
    if (before) warnings.push(`${where}: ${key} is given again, the value of ${before.where} is not used`)
    settings.set(key, { name: key, text: value, source: 'file', where })
  }
}

function overridesOf(overrides: NonNullable<ConfigInput['overrides']>, problems: ConfigProblem[]): [string, string][] {
  if (!isTexts(overrides)) return Object.entries(overrides)
  const pairs: [string, string][] = []
  for (const text of overrides) {
    const at = text.indexOf('=')
    if (at > 0) pairs.push([text.slice(0, at).trim(), text.slice(at + 1).trim()])
    else problems.push({ setting: null, where: '--override', message: `"${text}" is not of the form key=value` })
  }
  return pairs
}

const isTexts = (overrides: NonNullable<ConfigInput['overrides']>): overrides is readonly string[] => Array.isArray(overrides)

const isKnown = (name: string): boolean => brokerDefinitions.has(name) || dynamicOnlyDefinitions.has(name) || openNames.test(name)

function unknown({ name, where }: Given): string {
  if (name.startsWith('zookeeper.')) return `${where}: ${name} has no effect: there is no ZooKeeper`
  const nearest = nearestName(name, brokerDefinitions.keys())
  return `${where}: unknown setting ${name}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`
}
