// jest, whose globals are imported
import { expect, it } from '@jest/globals'
import { startKafka } from '@ottla/testing'
import { matchers } from '@ottla/testing/jest-globals'

it('has the matchers', async () => {
  expect(Object.keys(matchers)).toContain('toHaveReceived')
  const kafka = await startKafka({ topics: { orders: 1 } })
  await kafka.topic('orders').produce([{ key: 'a', value: '1' }])
  await expect(kafka.topic('orders')).toHaveReceived({ key: 'a' })
  await expect(kafka.topic('orders')).not.toHaveReceived({ key: 'b' })
  await kafka.close()
})
