// jest, with NODE_OPTIONS=--experimental-vm-modules, as it needs for every package of ES modules
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startKafka } from '@ottla/testing'
import { matchers } from '@ottla/testing/jest'
import { checkout } from './orders.mjs'

expect.extend(matchers)

describe('checkout', () => {
  let kafka
  beforeAll(async () => {
    kafka = await startKafka({ topics: { orders: 3 } })
  })
  afterAll(() => kafka.close())
  afterEach(() => kafka.reset())

  it('sends an order', async () => {
    await checkout(kafka.client(), { customer: 'ada', total: 5 })
    await expect(kafka.topic('orders')).toHaveReceived({ key: 'ada', value: expect.objectContaining({ total: 5 }) })
    await expect(kafka.topic('orders')).not.toHaveReceived({ key: 'bob' })
  })

  it('tries again', async () => {
    const fault = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER' })
    await checkout(kafka.client({ retry: { initialRetryTime: 5 } }), { customer: 'ada', total: 6 })
    await fault.consumed
    await expect(kafka.topic('orders')).toHaveRecordCount(1)
  })

  it('fails with the nearest record', async () => {
    await checkout(kafka.client(), { customer: 'ada', total: 5 })
    const wrong = expect(kafka.topic('orders')).toHaveReceived({ key: 'ada', value: { customer: 'ada', total: 7 } }, { timeoutMs: 50 })
    await expect(wrong).rejects.toThrow('value.total: expected 7, is 5')
  })
})
