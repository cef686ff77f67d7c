// Places an order for each item named: `place-orders.js chair lamp`.
import { kafka, orderCodec } from './orders.ts'

await using producer = kafka.producer({ serializers: { value: orderCodec } })
await producer.connect()

const orders = process.argv.slice(2).map((item, index) => ({ id: `${Date.now()}-${index}`, item }))
await producer.send({
  topic: 'orders',
  messages: orders.map(order => ({ key: order.item, value: order, headers: { source: 'shop' } })),
})
console.log(`placed ${orders.length} orders`)
