// Rules between settings that no single range says (kafka.server.KafkaConfig.validateValues), as far as they concern what is here.
import { parseAddress } from './address.ts'
import type { BrokerSetting, BrokerValue } from './definitions.ts'

/** Reads a value of the configuration that is being checked. */
export type ReadValue = <N extends BrokerSetting>(name: N) => BrokerValue<N>

interface Rule {
  readonly setting: BrokerSetting
  readonly holds: (value: ReadValue) => boolean
  readonly message: string
}

const atLeastOrNever = (value: number | null): boolean => value === null || value === -1 || value >= 1

const rules: readonly Rule[] = [
  {
    setting: 'log.retention.ms',
    holds: value => atLeastOrNever(value('log.retention.ms') ?? value('log.retention.minutes') ?? value('log.retention.hours')),
    message: 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
  },
  { setting: 'log.roll.ms', holds: value => (value('log.roll.ms') ?? 1) >= 1, message: 'log.roll.ms must be greater than or equal to 1' },
  {
    setting: 'log.roll.jitter.ms',
    holds: value => (value('log.roll.jitter.ms') ?? 0) >= 0,
    message: 'log.roll.jitter.ms must be greater than or equal to 0',
  },
  {
    setting: 'log.cleaner.dedupe.buffer.size',
    holds: value => value('log.cleaner.dedupe.buffer.size') / Math.max(1, value('log.cleaner.threads')) > 1024 * 1024,
    message: 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  },
  {
    setting: 'replica.fetch.wait.max.ms',
    holds: value => value('replica.fetch.wait.max.ms') <= value('replica.socket.timeout.ms'),
    message: 'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts',
  },
  {
    setting: 'replica.fetch.wait.max.ms',
    holds: value => value('replica.fetch.wait.max.ms') <= value('replica.lag.time.max.ms'),
    message: 'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR',
  },
  {
    setting: 'queued.max.request.bytes',
    holds: value => value('queued.max.request.bytes') <= 0 || value('queued.max.request.bytes') >= value('socket.request.max.bytes'),
    message: 'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
  },
  {
    setting: 'max.connections.per.ip',
    holds: value => value('max.connections.per.ip') !== 0 || value('max.connections.per.ip.overrides') !== '',
    message: 'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
  },
  {
    setting: 'max.connections.per.ip.overrides',
    holds: value => connectionOverrides(value('max.connections.per.ip.overrides')) !== null,
    message: 'max.connections.per.ip.overrides must be a list of address:number',
  },
  {
    setting: 'log.cleaner.min.compaction.lag.ms',
    holds: value => value('log.cleaner.min.compaction.lag.ms') <= value('log.cleaner.max.compaction.lag.ms'),
    message: 'log.cleaner.min.compaction.lag.ms must not be more than log.cleaner.max.compaction.lag.ms',
  },
  {
    setting: 'metrics.listener',
    holds: value => value('metrics.listener') === '' || parseAddress(value('metrics.listener')) !== null,
    message: 'metrics.listener must be host:port, or empty for no metrics',
  },
]

/** `max.connections.per.ip.overrides` by address, null where the text is none. */
export function connectionOverrides(text: string): ReadonlyMap<string, number> | null {
  const overrides = new Map<string, number>()
  for (const pair of text.split(',').filter(part => part.trim() !== '')) {
    const match = /^\s*(?<host>[0-9a-zA-Z%._:[\]-]{1,255}):(?<count>\d{1,10})\s*$/.exec(pair)
    if (!match) return null
    overrides.set((match[1] ?? '').replace(/^\[|\]$/g, ''), Number(match[2]))
  }
  return overrides
}

/** The rules that do not hold: pairs of a setting and a message. */
export const brokenRules = (value: ReadValue): (readonly [setting: BrokerSetting, message: string])[] =>
  rules.filter(rule => !rule.holds(value)).map(rule => [rule.setting, rule.message])
