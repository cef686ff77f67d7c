// Another client while a broker is busy, in a thread of its own: in the one that makes the load it would wait for that. Told the port as its data; answers
// any message with the longest wait in seconds, and ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { apiVersionsApi } from '@ottla/protocol'
import { Pipe } from './pipe.ts'

const port: unknown = workerData
if (parentPort === null || typeof port !== 'number') throw new Error('this is begun as a thread, with a port')
const state = { isOver: false }
parentPort.on('message', () => (state.isOver = true))
const pipe = await Pipe.open(port)
// What is compiled at the first request is not the broker's doing.
await pipe.ask(apiVersionsApi, 0, {})
parentPort.postMessage(0, [])
let longest = 0
while (!state.isOver) {
  const asked = performance.now()
  await pipe.ask(apiVersionsApi, 0, {})
  longest = Math.max(longest, (performance.now() - asked) / 1000)
  await sleep(2)
}
pipe.close()
parentPort.postMessage(longest, [])
parentPort.close()
