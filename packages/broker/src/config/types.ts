// Words of the settings, as Kafka's ConfigDef has them.

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'

export type Importance = 'high' | 'medium' | 'low'

/** What a running broker takes: nothing, only for this broker, or for all brokers too (KIP-226). */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/** A parsed value. int64 beyond 2^53-1 is Number.MAX_SAFE_INTEGER; passwords and class names are strings. */
export type ConfigValue = boolean | number | string | readonly string[] | null

/** A broker setting that stands in for another one; its value times `factor` has the unit of that one. */
export interface Synonym {
  readonly name: string
  readonly factor: number
}

/** What values a setting takes. */
export interface Validator {
  /** For people, as Kafka writes it: '[1,...]', '[compact, delete]'. */
  readonly text: string
  /** What is wrong with a value, null if nothing. Whole sentences stand alone, others follow 'Invalid value x for configuration y: '. */
  problem(name: string, value: ConfigValue): Problem | null
}

export interface Problem {
  readonly text: string
  readonly whole: boolean
  /** The value as the message shows it, where it differs from the text that was given. */
  readonly shown?: string
}

/** One setting. */
export interface Definition {
  readonly name: string
  readonly type: ConfigType
  readonly importance: Importance
  /** The default as text, null for none. */
  readonly defaultText: string | null
  /** Has no default in Kafka and must be given there. */
  readonly required: boolean
  /** Not shown by DescribeConfigs unless it is set. */
  readonly internal: boolean
  readonly update: UpdateMode
  readonly validator: Validator | null
  /** For topic and group settings: broker settings that they fall back to, in this order. */
  readonly synonyms: readonly Synonym[]
  readonly documentation: string | null
}

export type Definitions = ReadonlyMap<string, Definition>
