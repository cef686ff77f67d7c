// The broker is killed under consumer groups of other people's clients, and stopped and started: the members go on, nothing is lost, and
// nothing comes again that was committed. Each group has a broker of its own.
import { beforeAll, describe, it } from 'vitest'
import { startBroker } from './broker.ts'
import { restartedClients } from './group-clients.ts'
import { expectAllDone, inTurn, settings, startRun, there } from './group-suite.ts'

beforeAll(() => {
  for (const client of restartedClients) there(client)
})

describe.concurrent('the broker is killed, then restarted', () => {
  it.for(restartedClients)('$name', { timeout: 600_000 }, (client, { skip }) => {
    if (there(client) === undefined) skip('not installed')
    return inTurn(async () => {
      await using broker = await startBroker(settings)
      await using run = await startRun(client, 'restart', broker.port)
      const a = run.join('a')
      const b = run.join('b')
      await run.shared(a, b)
      await run.restarted('the broker was killed', { stop: () => broker.kill(), start: () => broker.start() })
      await run.shared(a, b)
      await run.restarted('the broker was stopped', broker)
      await run.shared(a, b)
      await expectAllDone(run, [a, b], () => true)
      console.log(`${client.name}: ${run.redelivered.length} records came again`)
    })
  })
})
