// Consumer groups with other people's clients, each as several processes: two members share a topic that is written to all the time, a
// third joins, one is killed, one leaves, one comes back. No record is lost, records come again only after the kill and only those that
// were not committed, and in the end everything is committed. Static members may be away for less than the session time-out.
// OTTLA_COMPAT_BOOTSTRAP=127.0.0.1:PORT takes a broker that runs already, such as Apache Kafka.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { type GroupClient, groupClients, migratingClients, staticClients } from './group-clients.ts'
import { createTopic, type GroupRun } from './group-run.ts'
import { expectAllDone, inTurn, settings, startRun, there, unique } from './group-suite.ts'
import { Member } from './group-member.ts'
import { groupPrograms } from './programs.ts'

const given = process.env.OTTLA_COMPAT_BOOTSTRAP

let broker: BrokerProcess | undefined
let port: number
beforeAll(async () => {
  if (given === undefined) broker = await startBroker(settings)
  port = broker?.port ?? Number(given?.split(':').at(-1))
  // Whatever must be built is built before anything is timed.
  for (const program of Object.values(groupPrograms)) program()
})
afterAll(() => broker?.[Symbol.asyncDispose]())

/** Runs a group when it is its turn. */
const runInTurn = (client: GroupClient, kind: string, body: (run: GroupRun) => Promise<void>) =>
  inTurn(async () => {
    await using run = await startRun(client, kind, port)
    await body(run)
  })

/** Two members, a third, one killed, one gone, one back. */
async function comeAndGo(client: GroupClient, run: GroupRun): Promise<void> {
  const began = Date.now()
  const a = run.join('a')
  const b = run.join('b')
  await run.shared(a, b)

  await run.beginPhase('a third joins')
  const c = run.join('c')
  await run.shared(a, b, c)

  await b.kill()
  await run.beginPhase('one was killed')
  await run.shared(a, c)

  await run.beginPhase('one leaves')
  await c.stop()
  expect(await run.memberNames()).toEqual(['a'])
  await run.shared(a)

  await run.beginPhase('one comes back')
  const back = run.join('b')
  await run.shared(a, back)

  await expectAllDone(run, [a, back], phase => phase === 'one was killed' || client.redelivers === true)
  console.log(`${client.name}: ${Date.now() - began} ms, ${run.redelivered.length} records came again`)
}

/** A static member that is away for less than the session time-out gets what it had, and nobody else hears of it. */
async function bounce({ options }: GroupClient, run: GroupRun): Promise<void> {
  const join = (name: string) => run.join(name, { instance: `instance-${name}`, session: '6000' })
  const a = join('a')
  let b = join('b')
  await run.shared(a, b)
  const owned = b.assigned
  const assignments = a.assignments

  // The consumer protocol (KIP-848) gives the place of a member to another only when that said that it would be back.
  const absences = options.protocol === 'consumer' ? ['stopped and back'] : ['stopped and back', 'killed and back']
  for (const phase of absences) {
    await (phase.startsWith('killed') ? b.kill() : b.stop())
    await run.beginPhase(phase)
    b = join('b')
    await run.shared(a, b)
    expect(b.assigned).toEqual(owned)
    expect(a.assignments, 'the other member was rebalanced').toBe(assignments)
  }

  await b.kill()
  await run.beginPhase('killed for good')
  await run.shared(a)
  await expectAllDone(run, [a], phase => phase.startsWith('killed'))
}

/** When all have left, the group goes on in the other protocol. */
async function changeWhenEmpty(run: GroupRun): Promise<void> {
  let a = run.join('a', { protocol: 'classic' })
  await run.shared(a)
  for (const protocol of ['consumer', 'classic']) {
    await a.stop()
    await run.beginPhase(`to ${protocol}`)
    a = run.join('a', { protocol })
    await run.shared(a)
  }
  await expectAllDone(run, [a], () => false)
}

/** A group goes over to the consumer protocol member by member (KIP-848's online upgrade), and back. */
async function migrate(run: GroupRun): Promise<void> {
  const join = (name: string, protocol: 'classic' | 'consumer') => run.join(name, { protocol })
  let a = join('a', 'classic')
  let b = join('b', 'classic')
  await run.shared(a, b)
  for (const protocol of ['consumer', 'classic'] as const) {
    await run.beginPhase(`to ${protocol}: the first`)
    await a.stop()
    a = join('a', protocol)
    await run.shared(a, b)
    await run.beginPhase(`to ${protocol}: the second`)
    await b.stop()
    b = join('b', protocol)
    await run.shared(a, b)
    expect(await run.memberNames(protocol)).toEqual(['a', 'b'])
  }
  await expectAllDone(run, [a, b], () => false)
}

describe.concurrent('members come and go', () => {
  it.for(groupClients)('$name', { timeout: 600_000 }, (client, { skip }) => {
    if (there(client) === undefined) skip('not installed')
    return runInTurn(client, 'share', run => comeAndGo(client, run))
  })
})

describe.concurrent('static members', () => {
  it.for(staticClients)('$name', { timeout: 600_000 }, (client, { skip }) => {
    if (there(client) === undefined) skip('not installed')
    return runInTurn(client, 'static', run => bounce(client, run))
  })
})

describe.concurrent('from the classic to the consumer protocol and back', () => {
  it.for(migratingClients)('$name, when all have left', { timeout: 600_000 }, (client, { skip }) => {
    if (there(client) === undefined) skip('not installed')
    return runInTurn(client, 'empty', changeWhenEmpty)
  })

  it.for(migratingClients)('$name, one by one', { timeout: 600_000 }, (client, { skip }) => {
    if (there(client) === undefined) skip('not installed')
    return runInTurn(client, 'migrate', migrate)
  })
})

describe('a regular expression', () => {
  it('that the broker evaluates finds topics, also later ones', { timeout: 120_000 }, async ({ skip }) => {
    const program = there({ name: 'Java', program: 'Java' }) ?? skip('not installed')
    const prefix = `pattern-${unique}`
    await createTopic(port, `${prefix}-one`, 2)
    await createTopic(port, `other-${prefix}-one`, 2)
    const member = new Member(program, {
      bootstrap: `127.0.0.1:${port}`,
      group: prefix,
      topic: `${prefix}-(one|two)`,
      name: 'a',
      options: { protocol: 'consumer', pattern: '1' },
      onRecord() {},
    })
    try {
      await expect.poll(() => [...member.assigned].toSorted(), { timeout: 20_000 }).toEqual([`${prefix}-one-0`, `${prefix}-one-1`])
      await createTopic(port, `${prefix}-two`, 1)
      const all = [`${prefix}-one-0`, `${prefix}-one-1`, `${prefix}-two-0`]
      await expect.poll(() => [...member.assigned].toSorted(), { timeout: 60_000 }).toEqual(all)
      await member.stop()
    } finally {
      if (member.running) await member.kill()
    }
  })
})
