// Sends orders that ended in the dead letters back to `orders`: `replay-orders.js [error] [hours]`, such as `replay-orders.js OrderRefused 24`. Without
// arguments it lists what is there.
import { deadLetters, replayDeadLetters } from '@ottla/client'
import { kafka } from './orders.ts'

const from = 'orders.shipping.dlt'
const [error, hours = '24'] = process.argv.slice(2)

if (error === undefined) {
  for await (const { offset, origin, exception, attempts } of deadLetters(kafka, { from })) {
    console.log(`${offset}: order ${origin?.offset}, ${exception?.exception}: ${exception?.message} (${attempts} tries)`)
  }
} else {
  const { matched, replayed } = await replayDeadLetters(kafka, { from, error, since: Date.now() - Number(hours) * 3_600_000 })
  console.log(`replayed ${replayed} of ${matched}`)
}
