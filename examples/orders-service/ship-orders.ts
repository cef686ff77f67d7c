// Ships what was ordered, as a member of the group `shipping`: start as many as there are partitions.
import { gracefulShutdown } from '@ottla/client'
import { kafka, orderCodec } from './orders.ts'
import { ship } from './warehouse.ts'

const consumer = kafka.consumer({ groupId: 'shipping', value: orderCodec })
const { RETRY, RECOVERED, DEAD_LETTER, CIRCUIT_OPEN, CRASH } = consumer.events

consumer.on(RETRY, ({ payload: { offset, error, delay, retryTopic } }) =>
  console.log(`order ${offset}: ${error.message}, again in ${delay} ms${retryTopic === null ? '' : ` by ${retryTopic}`}`),
)
consumer.on(RECOVERED, ({ payload }) => console.log(`order ${payload.offset}: shipped at try ${payload.attempts}`))
consumer.on(DEAD_LETTER, ({ payload }) =>
  console.log(`order ${payload.offset}: ${payload.error.message}, put into ${payload.deadLetterTopic}`),
)
consumer.on(CIRCUIT_OPEN, ({ payload }) => console.log(`too many failures, waiting for ${payload.pause} ms`))
consumer.on(CRASH, ({ payload }) => {
  if (!payload.restart) process.exitCode = 1
})

await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
await consumer.run({
  retry: {
    // At once, while the orders behind it wait ...
    attempts: 2,
    backoff: { initial: '50ms', max: '1s' },
    // ... then later, while they go on. Minutes, where this is no example.
    topics: { delays: ['300ms', '600ms'] },
  },
  deadLetter: { circuitBreaker: { deadLetters: 100, window: '1m', pause: '30s' } },
  eachMessage: async ({ message, signal }) => {
    await ship(message.value, signal)
    console.log(`shipped ${message.value.item}`)
  },
})
gracefulShutdown({}, consumer)
