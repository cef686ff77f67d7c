import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brokerDefinitions, definitionsFor } from './definitions.ts'
import { nearestName } from './nearest.ts'
import { canonicalText, parseText, parseValue } from './validate.ts'

const broker = (name: string) => {
  const definition = brokerDefinitions.get(name)
  if (definition === undefined) throw new Error(`no ${name}`)
  return definition
}
const messageOf = (name: string, text: string | null): string => {
  try {
    parseValue(broker(name), text)
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return ''
}

describe('values of settings', () => {
  it('has defaults that are valid', () => {
    for (const definitions of Object.values(definitionsFor))
      for (const definition of definitions.values()) if (!definition.required) parseValue(definition, definition.defaultText)
  })

  it.each([
    ['node.id', '-1', 'Invalid value -1 for configuration node.id: Value must be at least 0'],
    ['num.partitions', 'x', 'Invalid value x for configuration num.partitions: Not a number of type INT'],
    ['num.partitions', '2147483648', 'Invalid value 2147483648 for configuration num.partitions: Not a number of type INT'],
    [
      'log.retention.bytes',
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration log.retention.bytes: Not a number of type LONG',
    ],
    ['delete.topic.enable', 'yes', 'Invalid value yes for configuration delete.topic.enable: Expected value to be either true or false'],
    [
      'log.cleaner.min.cleanable.ratio',
      '1.5',
      'Invalid value 1.5 for configuration log.cleaner.min.cleanable.ratio: Value must be no more than 1',
    ],
    ['log.cleanup.policy', 'compact,compact', "Configuration 'log.cleanup.policy' values must not be duplicated."],
    ['log.cleanup.policy', 'keep', 'Invalid value keep for configuration log.cleanup.policy: String must be one of: compact, delete'],
    ['listeners', '', "Configuration 'listeners' must not be empty. Valid values include: any non-empty value"],
    ['listeners', 'a,,b', "Configuration 'listeners' values must not be empty."],
    [
      'compression.gzip.level',
      '0',
      'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
    ],
    [
      'group.consumer.migration.policy',
      'x',
      'Invalid value x for configuration group.consumer.migration.policy: String must be one of (case insensitive): DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL',
    ],
  ])('refuses %s = %s as Kafka does', (name, text, message) => {
    expect(messageOf(name, text)).toBe(message)
  })

  it('takes the edges', () => {
    expect(parseValue(broker('log.retention.bytes'), '9223372036854775807')).toBe(Number.MAX_SAFE_INTEGER)
    expect(parseValue(broker('compression.gzip.level'), '-1')).toBe(-1)
    expect(parseValue(broker('num.partitions'), ' +12 ')).toBe(12)
    expect(parseValue(broker('log.cleanup.policy'), '')).toEqual([])
    expect(parseValue(broker('log.cleaner.io.max.bytes.per.second'), '1.7976931348623157E308')).toBe(Number.MAX_VALUE)
  })

  it('never fails in another way than by saying what is wrong', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(definitionsFor).flatMap(all => [...all.values()])), fc.string(), (definition, text) => {
        const parsed = parseText(definition.type, text)
        if ('value' in parsed) definition.validator?.problem(definition.name, parsed.value)
        canonicalText(definition.type, text)
        nearestName(text, brokerDefinitions.keys())
      }),
    )
  })

  it('shows numbers as Java does', () => {
    expect(canonicalText('LONG', ' +007')).toBe('7')
    expect(canonicalText('DOUBLE', '1.7976931348623157E308')).toBe('1.7976931348623157E308')
    expect(canonicalText('DOUBLE', '2')).toBe('2.0')
    expect(canonicalText('LIST', 'a , b')).toBe('a,b')
  })
})
