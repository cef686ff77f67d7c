// The configuration of one broker: what was given at its start, and what was altered while it runs (KIP-226). The order of precedence is
// altered for this broker, altered for all brokers, `--override`, environment, file, default.
import type { BrokerSetting, BrokerValue } from './definitions.ts'
import { brokerDefinitions, dynamicOnlyDefinitions } from './definitions.ts'
import type { ReadValue } from './checks.ts'
import { brokenRules } from './checks.ts'
import type { ConfigInput, Given } from './given.ts'
import { gather } from './given.ts'
import type { ListenerConfig } from './listeners.ts'
import { deriveListeners } from './listeners.ts'
import type { ConfigProblem } from './problems.ts'
import { ConfigProblems } from './problems.ts'
import { unsupportedSettings } from './supported.ts'
import type { ConfigValue } from './types.ts'
import { ConfigError, parseValue } from './validate.ts'

/** Settings that were altered while brokers run, as text: for this broker, and for all. */
export interface DynamicSettings {
  readonly broker: ReadonlyMap<string, string>
  readonly defaults: ReadonlyMap<string, string>
}

/** Is told which settings have another value now. */
export type ConfigListener = (changed: ReadonlySet<string>) => void

/** The definition of a setting of a broker, also of one that can only be altered while it runs. */
export const brokerDefinition = (name: string) => brokerDefinitions.get(name) ?? dynamicOnlyDefinitions.get(name)

const nothing: ReadonlyMap<string, string> = new Map()
const MAX_INT = 0x7fff_ffff

export class BrokerConfig {
  readonly nodeId: number
  /** What the broker listens on and tells clients. */
  readonly listeners: readonly ListenerConfig[]
  /** Name of the listener that brokers of the cluster use among themselves. */
  readonly interBrokerListener: string
  /** Directories for logs: `log.dirs`, else `log.dir`. */
  readonly logDirs: readonly string[]
  /** The cluster that the data has to belong to, null for any. */
  readonly clusterId: string | null
  /** What was given, by name. */
  readonly given: ReadonlyMap<string, Given>
  /** Lines for the log at the start: unknown names, values that are not used, settings without effect. */
  readonly warnings: readonly string[]
  #dynamic: DynamicSettings = { broker: nothing, defaults: nothing }
  readonly #values = new Map<string, ConfigValue>()
  readonly #listeners = new Set<ConfigListener>()

  /** Use `BrokerConfig.load`. */
  private constructor(parts: { given: ReadonlyMap<string, Given>; clusterId: string | null; warnings: readonly string[] }) {
    const problems: ConfigProblem[] = []
    const warnings = [...parts.warnings]
    const add = (setting: string, message: string) => problems.push({ setting, where: this.given.get(setting)?.where ?? null, message })
    this.given = withNodeId(parts.given)
    for (const [name, { text }] of this.given) {
      const definition = brokerDefinition(name)
      if (definition === undefined) continue
      try {
        parseValue(definition, text)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        const allowed = definition.validator?.text
        add(name, `${error.message}${allowed && !error.message.includes(allowed) ? ` (allowed: ${allowed})` : ''}`)
      }
    }
    const wrong = new Set(problems.map(problem => problem.setting))
    const value: ReadValue = reading(name => this.#parse(name, wrong.has(name)))
    if (!this.given.has('node.id')) add('node.id', 'Missing required configuration "node.id" which has no default value.')
    this.nodeId = value('node.id')
    const brokerId = value('broker.id')
    if (brokerId !== this.nodeId && !wrong.has('node.id') && !wrong.has('broker.id') && this.given.has('node.id'))
      add('broker.id', 'You must set `node.id` to the same value as `broker.id`.')
    for (const [setting, message] of brokenRules(value)) if (!wrong.has(setting)) add(setting, message)
    checkRoles(value('process.roles'), add)
    const derived = deriveListeners({
      listeners: value('listeners'),
      advertised: value('advertised.listeners'),
      protocolMap: value('listener.security.protocol.map'),
      controllerNames: value('controller.listener.names'),
      interBrokerName: value('inter.broker.listener.name'),
      interBrokerProtocol: this.given.has('security.inter.broker.protocol') ? value('security.inter.broker.protocol') : null,
    })
    for (const [setting, message] of derived.problems) add(setting, message)
    warnings.push(...derived.notes)
    this.listeners = derived.listeners
    this.interBrokerListener = derived.interBrokerListener
    this.logDirs = value('log.dirs') ?? value('log.dir')
    this.clusterId = parts.clusterId
    const unsupported = unsupportedSettings(this.given)
    for (const [setting, message] of unsupported.refused) add(setting, message)
    warnings.push(...unsupported.warnings)
    this.warnings = warnings
    if (problems.length > 0) throw new ConfigProblems(problems)
  }

  /** Reads a configuration. Throws ConfigProblems, which names everything that is wrong. */
  static load(input: ConfigInput): BrokerConfig {
    const gathered = gather(input)
    let config: BrokerConfig | null = null
    const problems = [...gathered.problems]
    try {
      config = new BrokerConfig({ given: gathered.settings, clusterId: gathered.clusterId, warnings: gathered.warnings })
    } catch (error) {
      if (!(error instanceof ConfigProblems)) throw error
      problems.push(...error.problems)
    }
    if (config === null || problems.length > 0) throw new ConfigProblems(problems)
    return config
  }

  /** The value of a setting as it is now. */
  value<N extends BrokerSetting>(name: N): BrokerValue<N>
  value(name: BrokerSetting): ConfigValue {
    return this.valueOf(name)
  }

  /** The same for a name that is not known before. Throws for one that is no setting of a broker. */
  valueOf(name: string): ConfigValue {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const value = this.#parse(name, false)
    this.#values.set(name, value)
    return value
  }

  /** The text that a setting has now, null for none. For passwords too: not to be shown. */
  text(name: string): string | null {
    const altered = this.#dynamic.broker.get(name) ?? this.#dynamic.defaults.get(name)
    return altered ?? this.given.get(name)?.text ?? brokerDefinition(name)?.defaultText ?? null
  }

  /** What was altered since the start. */
  get dynamic(): DynamicSettings {
    return this.#dynamic
  }

  /** Replaces what was altered, which must be valid (see `usableDynamicSettings`), and tells the listeners what has changed. */
  setDynamic(settings: DynamicSettings): void {
    const before = this.#dynamic
    const names = new Set([...before.broker.keys(), ...before.defaults.keys(), ...settings.broker.keys(), ...settings.defaults.keys()])
    const texts = new Map([...names].map(name => [name, this.text(name)]))
    this.#dynamic = settings
    const changed = new Set([...texts].filter(([name, text]) => this.text(name) !== text).map(([name]) => name))
    for (const name of changed) this.#values.delete(name)
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed)
  }

  /** Calls `listener` after each change; the returned function takes it back. */
  onChange(listener: ConfigListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #parse(name: string, asDefault: boolean): ConfigValue {
    const definition = brokerDefinition(name)
    if (definition === undefined) throw new Error(`no such setting: ${name}`)
    const text = asDefault ? definition.defaultText : this.text(name)
    if (definition.required && text === definition.defaultText) return definition.type === 'LIST' ? [] : 0
    return parseValue(definition, text)
  }
}

/** Gives a reader of values the types of the settings. */
function reading(read: (name: BrokerSetting) => ConfigValue): ReadValue {
  function value<N extends BrokerSetting>(name: N): BrokerValue<N>
  function value(name: BrokerSetting): ConfigValue {
    return read(name)
  }
  return value
}

/** `node.id` and `broker.id` stand in for one another. */
function withNodeId(given: ReadonlyMap<string, Given>): ReadonlyMap<string, Given> {
  const node = given.get('node.id')
  const broker = given.get('broker.id')
  const both = new Map(given)
  if (node && !broker && isId(node.text)) both.set('broker.id', { ...node, name: 'broker.id' })
  if (broker && !node && isId(broker.text)) both.set('node.id', { ...broker, name: 'node.id' })
  return both
}

const isId = (text: string): boolean => /^\s*\d{1,10}\s*$/.test(text) && Number(text) <= MAX_INT

function checkRoles(roles: readonly string[], add: (setting: string, message: string) => void): void {
  if (roles.length === 0 || roles.includes('broker')) return
  add(
    'process.roles',
    'a node that is only a KRaft controller has nothing to do here: use process.roles=broker,controller, or leave it out',
  )
}
