// node:test
import { after, afterEach, before, describe, it } from 'node:test'
import { expectTopic, startKafka } from '@ottla/testing'
import { checkout } from './orders.mjs'

void describe('checkout', () => {
  let kafka
  before(async () => {
    kafka = await startKafka({ topics: { orders: 3 }, transport: 'memory' })
  })
  after(() => kafka.close())
  afterEach(() => kafka.reset())

  void it('sends an order', async () => {
    await checkout(kafka.client(), { customer: 'ada', total: 5 })
    await expectTopic(kafka.topic('orders')).toHaveReceived({ key: 'ada', value: { customer: 'ada', total: 5 } })
  })

  void it('tries again', async () => {
    const fault = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER' })
    await checkout(kafka.client({ retry: { initialRetryTime: 5 } }), { customer: 'ada', total: 6 })
    await fault.consumed
    await expectTopic(kafka.topic('orders')).toHaveCount(1)
  })
})
