import { expect, it } from 'vitest'
import { checkGroupLimits } from '../controller/config-limits.ts'
import { groupSetting } from './group-config.ts'
import { testConfig } from './testing.ts'

const parts = (own: Record<string, string>, broker: Record<string, string> = {}) => ({
  image: { config: (_type: 'group', name: string) => new Map(name === 'g' ? Object.entries(own) : []) },
  config: testConfig(broker),
})

it('gives a group its own settings, else those of the broker', () => {
  const world = parts({ 'consumer.session.timeout.ms': '50000' }, { 'group.consumer.session.timeout.ms': '47000' })
  expect(groupSetting(world, 'g', 'consumer.session.timeout.ms')).toBe(50_000)
  expect(groupSetting(world, 'other', 'consumer.session.timeout.ms')).toBe(47_000)
  expect(groupSetting(world, 'other', 'consumer.heartbeat.interval.ms')).toBe(5000)
})

it('holds what was set for a group within the bounds that the broker has now', () => {
  const broker = { 'group.consumer.max.session.timeout.ms': '48000', 'group.streams.max.standby.replicas': '1' }
  expect(groupSetting(parts({ 'consumer.session.timeout.ms': '50000' }, broker), 'g', 'consumer.session.timeout.ms')).toBe(48_000)
  expect(groupSetting(parts({ 'consumer.session.timeout.ms': '9' }, broker), 'g', 'consumer.session.timeout.ms')).toBe(45_000)
  expect(groupSetting(parts({ 'streams.num.standby.replicas': '2' }, broker), 'g', 'streams.num.standby.replicas')).toBe(1)
})

it('does not use a stored setting that is not valid', () => {
  expect(groupSetting(parts({ 'consumer.session.timeout.ms': 'long' }), 'g', 'consumer.session.timeout.ms')).toBe(45_000)
  expect(groupSetting(parts({ 'share.isolation.level': 'read_committed' }), 'g', 'share.isolation.level')).toBe('read_committed')
})

it('measures what is set for a group against the rest of what it has from the broker', () => {
  const config = testConfig({
    'group.consumer.min.session.timeout.ms': '6000',
    'group.consumer.session.timeout.ms': '8000',
    'group.consumer.heartbeat.interval.ms': '7000',
  })
  const check = (sessionTimeoutMs: number) => () =>
    checkGroupLimits(new Map([['consumer.session.timeout.ms', String(sessionTimeoutMs)]]), config)
  expect(check(6500)).toThrow('consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms')
  expect(check(7500)).not.toThrow()
})
