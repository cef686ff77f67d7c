// A client in another language against a broker inside the test process: what kcat writes is awaited, what a test writes kcat reads, and
// scripted faults reach it.
import { expectTopic, startKafka } from '@ottla/testing'
import { describe, expect, it } from 'vitest'
import { available, installed, run } from './programs.ts'

describe.runIf(available('kcat', installed('kcat')))('kcat and @ottla/testing', () => {
  it('meet over TCP', async () => {
    await using kafka = await startKafka({ topics: { orders: 1 } })
    const orders = kafka.topic('orders')
    const kcat = (words: string[], input?: string) =>
      run('kcat', ['-q', '-b', kafka.bootstrap, ...words], input === undefined ? {} : { input })
    const refused = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER', topic: 'orders' })
    expect(await kcat(['-P', '-t', 'orders', '-K', ':', '-H', 'origin=kcat'], 'ada:1')).toMatchObject({ code: 0 })
    await refused.consumed
    await expectTopic(orders).toHaveReceived({ key: 'ada', value: '1', headers: { origin: 'kcat' } }, { times: 1 })
    // A broken connection would do as well, but kcat ends by itself at times when its only one breaks.
    const moved = kafka.faults.fail('Fetch', { errorCode: 'NOT_LEADER_OR_FOLLOWER', topic: 'orders' })
    await orders.produce({ key: 'bob', value: '2' })
    const { stdout } = await kcat(['-C', '-t', 'orders', '-o', 'beginning', '-e', '-f', '%k:%s\n'])
    expect(stdout).toBe('ada:1\nbob:2\n')
    expect(moved.count).toBe(1)
  })
})
