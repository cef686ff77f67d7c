// What values a setting takes, read from the short form in `definitions/`. Wording follows org.apache.kafka.common.config.ConfigDef.
import type { ConfigValue, Problem, Validator } from './types.ts'

const part = (text: string, shown?: string): Problem => (shown === undefined ? { text, whole: false } : { text, whole: false, shown })
const sentence = (text: string): Problem => ({ text, whole: true })

function range(min: number, max: number | null): Validator {
  return {
    text: max === null ? `[${min},...]` : `[${min},...,${max}]`,
    problem(_name, value) {
      if (typeof value !== 'number') return part('Value must be non-null', 'null')
      if (value < min) return part(`Value must be at least ${min}`)
      return max !== null && value > max ? part(`Value must be no more than ${max}`) : null
    },
  }
}

/** The level of gzip: also -1, its default (org.apache.kafka.common.record.CompressionType). */
function rangeOr(min: number, max: number, besides: number): Validator {
  return {
    text: `[${min},...,${max}] or ${besides}`,
    problem: (_name, value) =>
      typeof value === 'number' && (value === besides || (value >= min && value <= max))
        ? null
        : part(`Value must be between ${min} and ${max} or equal to ${besides}`),
  }
}

function oneOf(words: readonly string[]): Validator {
  return {
    text: `[${words.join(', ')}]`,
    problem: (_name, value) =>
      typeof value === 'string' && words.includes(value) ? null : part(`String must be one of: ${words.join(', ')}`),
  }
}

function oneOfAnyCase(words: readonly string[]): Validator {
  return {
    text: `(case insensitive) [${words.join(', ')}]`,
    problem: (_name, value) =>
      typeof value === 'string' && words.includes(value.toUpperCase())
        ? null
        : part(`String must be one of (case insensitive): ${words.join(', ')}`),
  }
}

function list(options: { empty: boolean; nullable: boolean; words: readonly string[] }): Validator {
  const text = options.words.length > 0 ? `[${options.words.join(', ')}]` : ''
  return {
    text,
    problem(name, value) {
      if (value === null) return options.nullable ? null : sentence(`Configuration '${name}' values must not be null.`)
      if (!isList(value)) return part('Expected a comma separated list.')
      if (value.length === 0 && !options.empty)
        return sentence(`Configuration '${name}' must not be empty. Valid values include: ${text || 'any non-empty value'}`)
      if (new Set(value).size !== value.length) return sentence(`Configuration '${name}' values must not be duplicated.`)
      if (value.includes('')) return sentence(`Configuration '${name}' values must not be empty.`)
      const wrong = options.words.length > 0 ? value.find(one => !options.words.includes(one)) : undefined
      return wrong === undefined ? null : part(`String must be one of: ${options.words.join(', ')}`, wrong)
    },
  }
}

/** `*` or `partition:broker` pairs (org.apache.kafka.server.config.ThrottledReplicaListValidator). */
const throttledReplicas: Validator = {
  text: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  problem(name, value) {
    if (!isList(value)) return part('Expected a comma separated list.')
    if (value.join('') === '*' || value.every(one => /^(?:\d+:\d+)?$/.test(one))) return null
    return part(
      `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
      `[${value.join(', ')}]`,
    )
  },
}

const quoted = (words: readonly string[]): string =>
  words
    .map(word => `'${word}'`)
    .toSorted()
    .join(', ')

/** `latest`, `earliest` or `by_duration:` and an ISO 8601 duration that is not negative (KIP-1106). */
const offsetReset = (words: readonly string[]): Validator => ({
  text: `[${words.join(', ')}, by_duration:PnDTnHnMn.nS]`,
  problem: (name, value) =>
    typeof value === 'string' && (words.includes(value) || isDuration(value))
      ? null
      : part(
          `Invalid value \`${String(value)}\` for configuration ${name}. The value must be either ${quoted(words)} or of the format 'by_duration:<PnDTnHnMn.nS>'.`,
        ),
})

const isDuration = (value: string): boolean =>
  /^by_duration:P(?=\d|T\d)(?:\d{1,9}D)?(?:T(?=\d)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?)?$/i.test(value)

const notNull: Validator = {
  text: 'non-null string',
  problem: (_name, value) => (value === null ? part('entry must be non null', 'null') : null),
}

const notEmpty: Validator = {
  text: 'non-empty string',
  problem: (_name, value) => (value === '' ? part('String must be non-empty') : null),
}

function isList(value: ConfigValue): value is readonly string[] {
  return Array.isArray(value)
}

/** Reads the short form. Throws if it is unknown, which is a mistake in a definition. */
export function validatorOf(form: string): Validator {
  if (form === 'not null') return notNull
  if (form === 'not empty') return notEmpty
  if (form === 'throttled replicas') return throttledReplicas
  const atLeast = /^>= (?<min>\S+)$/.exec(form)
  if (atLeast) return range(Number(atLeast[1]), null)
  const between = /^(?<min>\S+) \.\. (?<max>\S+)(?: or (?<besides>\S+))?$/.exec(form)
  if (between) {
    const min = Number(between[1])
    const max = Number(between[2])
    return between[3] === undefined ? range(min, max) : rangeOr(min, max, Number(between[3]))
  }
  const lists = /^list\((?<flags>[a-z,]*)\)(?: (?<words>.+))?$/.exec(form)
  if (lists) {
    const flags = lists[1]?.split(',') ?? []
    return list({ empty: flags.includes('empty'), nullable: flags.includes('null'), words: lists[2]?.split('|') ?? [] })
  }
  const words = /^(?<kind>one of|any case|offset reset) (?<words>.+)$/.exec(form)
  const given = words?.[2]?.split('|') ?? []
  if (words?.[1] === 'one of') return oneOf(given)
  if (words?.[1] === 'any case') return oneOfAnyCase(given)
  if (words?.[1] === 'offset reset') return offsetReset(given)
  throw new Error(`no such validator: ${form}`)
}
