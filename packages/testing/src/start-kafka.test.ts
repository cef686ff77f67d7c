// Starting and stopping, on every kind of storage and transport, with KafkaJS as the client.
import { describe, expect, it } from 'vitest'
import { startKafka } from './index.ts'

describe('startKafka', () => {
  it('starts a broker with its topics in a moment', async () => {
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      const begun = performance.now()
      await using kafka = await startKafka({ topics: { orders: 3, payments: { partitions: 2, config: { 'cleanup.policy': 'compact' } } } })
      times.push(performance.now() - begun)
      expect(await kafka.topics()).toEqual([
        { name: 'orders', isInternal: false, partitions: 3 },
        { name: 'payments', isInternal: false, partitions: 2 },
      ])
      const t2 = performance.now()
      await kafka.reset()
      console.log('reset', performance.now() - t2)
      const t = performance.now()
      await kafka.close()
      console.log('close', performance.now() - t)
    }
    console.log(times)
    expect(Math.min(...times)).toBeLessThan(50)
  })
})
