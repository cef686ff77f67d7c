// What the suites of all runners test: a service that sends an order for each checkout.
export const checkout = async (client, order) => {
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ key: order.customer, value: JSON.stringify(order) }] })
  await producer.disconnect()
}
