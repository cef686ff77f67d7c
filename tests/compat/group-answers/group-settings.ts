// Settings of groups (KIP-848), the resources of type GROUP.
import { setTimeout as sleep } from 'node:timers/promises'
import { alterConfigsApi, describeConfigsApi, incrementalAlterConfigsApi, listConfigResourcesApi } from '@ottla/protocol'
import { type Scenario, SETTLING_MS } from './talk.ts'

const resourceType = 32

const configs: Scenario = async talk => {
  const resourceName = talk.name('group')
  const describe = async (note: string, keys: string[] | null = null, name = resourceName) => {
    // Kafka's broker learns of changes a moment after its controller.
    await sleep(SETTLING_MS)
    await talk.each(
      describeConfigsApi,
      { resources: [{ resourceType, resourceName: name, configurationKeys: keys }], includeSynonyms: true, includeDocumentation: false },
      { note },
    )
  }
  await describe('of a group that nobody knows')
  await describe('one setting', ['consumer.session.timeout.ms', 'nonsense'])
  await describe('none', [])
  await describe('of the empty name', null, '')
  const alter = (note: string, [name, value, operation = 0]: readonly [string, string | null, number?], resource = resourceName) =>
    talk.each(
      incrementalAlterConfigsApi,
      {
        resources: [{ resourceType, resourceName: resource, configs: [{ name, configOperation: operation, value }] }],
        validateOnly: false,
      },
      { note: `${note} ${name}=${value}` },
    )
  const session = 'consumer.session.timeout.ms'
  const values: [string, string | null, number?][] = [
    [session, 'x'],
    [session, ''],
    [session, null],
    [session, '0'],
    [session, '1'],
    [session, '44999'],
    [session, '60001'],
    [session, '99999999999'],
    ['consumer.heartbeat.interval.ms', '4999'],
    ['consumer.heartbeat.interval.ms', '15001'],
    ['consumer.heartbeat.interval.ms', '-1'],
    ['share.auto.offset.reset', 'x'],
    ['share.isolation.level', 'x'],
    ['share.record.lock.duration.ms', '1'],
    ['streams.num.standby.replicas', '9'],
    ['nonsense', 'x'],
    [session, '50000', 2],
    [session, '50000', 3],
    [session, '50000', 9],
    [session, '50000'],
    ['consumer.heartbeat.interval.ms', '10000'],
  ]
  for (const value of values) await alter(`operation ${value[2] ?? 0}`, value)
  await alter('empty name', [session, '50000'], '')
  await describe('altered')
  await talk.each(listConfigResourcesApi, { resourceTypes: [resourceType] }, { note: 'groups', from: 1 })
  await talk.each(listConfigResourcesApi, { resourceTypes: [9] }, { note: 'unknown type', from: 1 })
  await talk.each(listConfigResourcesApi, { resourceTypes: [16, 4, 8] }, { note: 'others', from: 1 })
  await alter('delete', [session, null, 1])
  await alter('delete twice', [session, null, 1])
  const whole = (note: string, name: string, settings: { name: string; value: string | null }[]) =>
    talk.each(alterConfigsApi, { resources: [{ resourceType, resourceName: name, configs: settings }], validateOnly: false }, { note })
  await whole('all replaced', resourceName, [{ name: session, value: '46000' }])
  await whole('invalid', resourceName, [{ name: session, value: '1' }])
  await whole('null', resourceName, [{ name: session, value: null }])
  await whole('unknown', resourceName, [{ name: 'nonsense', value: '1' }])
  await whole('empty name', '', [{ name: session, value: '46000' }])
  await describe('replaced', [session, 'consumer.heartbeat.interval.ms'])
  await whole('emptied', resourceName, [])
  await describe('emptied', [session])
}

export const groupSettings = { 'settings of groups': configs }
