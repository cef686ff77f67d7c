// Whatever stands in a file, in the environment and in overrides: a configuration comes of it, or ConfigProblems that name what is wrong.
import * as fc from 'fast-check'
import { describe, it } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { brokerDefinitions } from './definitions.ts'
import { describeBroker, describeTopic } from './describe.ts'
import { validateDynamicConfigs } from './dynamic.ts'
import { ConfigProblems } from './problems.ts'
import { KafkaError } from '@ottla/protocol'

const name = fc.oneof(fc.constantFrom(...brokerDefinitions.keys()), fc.string({ maxLength: 20 }))
const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.double().map(String),
  fc.constantFrom('true', 'PLAINTEXT://:0', 'A://h:1,B://[::1]:2', 'A:PLAINTEXT', 'compact,delete', ',', '', '\\', 'a\\\nb'),
)
const settings = fc.array(fc.tuple(name, value), { maxLength: 8 })
const text = settings.map(pairs => pairs.map(([key, one]) => `${key}=${one}`).join('\n'))

describe('a configuration from anything', () => {
  it('is one, or says what is wrong', () => {
    fc.assert(
      fc.property(text, settings, fc.array(fc.string({ maxLength: 20 }), { maxLength: 3 }), (file, variables, words) => {
        const environment = Object.fromEntries(variables.map(([key, one]) => [`KAFKA_${key.replaceAll('.', '_').toUpperCase()}`, one]))
        const overrides = ['node.id=1', ...words]
        const options = { synonyms: true, documentation: true }
        try {
          const config = BrokerConfig.load({ file: { name: 'f', text: file }, environment, overrides })
          describeBroker(config, options)
          describeTopic(new Map(variables), { ...options, config })
          validateDynamicConfigs(new Map(variables), { perBroker: false, config })
        } catch (error) {
          if (!(error instanceof ConfigProblems || error instanceof KafkaError)) throw error
        }
      }),
    )
  })
})
