// From the text of a setting to its value, with the wording of org.apache.kafka.common.config.ConfigDef.
import type { ConfigType, ConfigValue, Definition, Problem } from './types.ts'

/** A value that a setting does not take. */
export class ConfigError extends Error {
  /** Name of the setting. */
  readonly setting: string
  constructor(setting: string, message: string) {
    super(message)
    this.name = 'ConfigError'
    this.setting = setting
  }
}

const integerBounds: Partial<Record<ConfigType, bigint>> = { SHORT: 1n << 15n, INT: 1n << 31n, LONG: 1n << 63n }
const notANumber = (type: ConfigType): Problem => ({ text: `Not a number of type ${type}`, whole: false })

/** The value of a text, or what is wrong with it. Null stays null whatever the type. Ranges are not checked. */
export function parseText(type: ConfigType, text: string | null): { value: ConfigValue } | { problem: Problem } {
  if (text === null) return { value: null }
  const trimmed = text.trim()
  switch (type) {
    case 'BOOLEAN': {
      const lower = trimmed.toLowerCase()
      if (lower === 'true' || lower === 'false') return { value: lower === 'true' }
      return { problem: { text: 'Expected value to be either true or false', whole: false } }
    }
    case 'SHORT':
    case 'INT':
    case 'LONG': {
      const value = parseInteger(trimmed, integerBounds[type] ?? 0n)
      return value === null ? { problem: notANumber(type) } : { value }
    }
    case 'DOUBLE': {
      const plain = /^[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eE][+-]?\d{1,5})?[dDfF]?$/.test(trimmed)
      return plain ? { value: Number(trimmed.replace(/[dDfF]$/, '')) } : { problem: notANumber(type) }
    }
    case 'LIST':
      return { value: trimmed === '' ? [] : trimmed.split(/\s*,\s*/) }
    default:
      return { value: trimmed }
  }
}

/** A decimal integer in [-bound, bound), as a number within +-Number.MAX_SAFE_INTEGER; else null. */
function parseInteger(text: string, bound: bigint): number | null {
  if (!/^[+-]?\d{1,40}$/.test(text)) return null
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text)
  if (exact < -bound || exact >= bound) return null
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)))
}

/** Parses and checks one value. Throws ConfigError: 'Invalid value x for configuration y: ...'. */
export function parseValue(definition: Definition, text: string | null): ConfigValue {
  const parsed = parseText(definition.type, text)
  const problem = 'problem' in parsed ? parsed.problem : definition.validator?.problem(definition.name, parsed.value)
  if (problem) throw new ConfigError(definition.name, sentenceOf(definition, text, problem))
  return 'value' in parsed ? parsed.value : null
}

function sentenceOf(definition: Definition, text: string | null, problem: Problem): string {
  if (problem.whole) return problem.text
  const shown = problem.shown ?? (definition.type === 'PASSWORD' && text !== null ? '[hidden]' : String(text))
  return `Invalid value ${shown} for configuration ${definition.name}: ${problem.text}`
}

/** A value's text in the form that Kafka shows it: numbers without leading zeros or plus, lists without blanks. Text that does not parse stays. */
export function canonicalText(type: ConfigType, text: string): string {
  const trimmed = text.trim()
  const parsed = parseText(type, text)
  if ('problem' in parsed) return trimmed
  if (type === 'SHORT' || type === 'INT' || type === 'LONG') return String(BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed))
  if (type === 'DOUBLE') return javaDouble(Number(parsed.value))
  return Array.isArray(parsed.value) ? parsed.value.join(',') : String(parsed.value)
}

/** A number as Java's Double.toString writes it. */
function javaDouble(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
