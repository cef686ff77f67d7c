// Transactions with other people's clients, each in a process of its own: a copy that reads, writes and commits its offsets in one transaction is
// killed at random moments; aborted records are not seen; of two producers with one transactional id the elder is fenced. All the while a reader of
// committed records looks on. OTTLA_COMPAT_KAFKA=1 has Apache Kafka as the broker, OTTLA_COMPAT_LONG=1 kills more often.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopic } from './group-run.ts'
import { inTurn, unique } from './group-suite.ts'
import { explained, startTested, type TestedBroker } from './transaction-broker.ts'
import { TransactionMember, type TransactionPlace } from './transaction-member.ts'
import { programOf, type TransactionClient, transactionClients } from './transaction-programs.ts'
import { CommittedReader } from './transaction-reader.ts'
import { CopyRun, partitions } from './transaction-run.ts'

const kills = process.env.OTTLA_COMPAT_LONG === '1' ? 20 : 2

let broker: TestedBroker
beforeAll(async () => {
  broker = await startTested()
  // Whatever must be built is built before anything is timed.
  for (const client of transactionClients) programOf(client)
})
afterAll(() => broker?.[Symbol.asyncDispose]())

const nameOf = (client: TransactionClient, kind: string) => `${kind}-${client.name.replaceAll(/[^a-z]+/gi, '-')}-${unique}`

/** Runs a mode that ends by itself, and says what it printed and what a reader of committed records saw. */
async function runMode(client: TransactionClient, mode: 'abort' | 'fence') {
  const program = programOf(client)
  if (program === undefined) throw new Error(`${client.name} is not there`)
  const name = nameOf(client, mode)
  await createTopic(broker.port, name, partitions)
  await using reader = new CommittedReader(broker.port, name, partitions)
  const place: TransactionPlace = { mode, bootstrap: broker.bootstrap, transactionalId: name, input: name, output: name, group: name }
  const member = new TransactionMember(program, place)
  await explained(broker, async () => {
    await member.ended(60_000)
    await reader.drained()
    expect(reader.wrong).toEqual([])
  })
  return { member, reader }
}

const thirty = (what: string, partition: number) =>
  Array.from({ length: 30 }, (_, i) => i)
    .filter(i => i % partitions === partition)
    .map(i => `${what} ${i}`)

describe.concurrent('a copy that is killed', () => {
  it.for(transactionClients)('$name', { timeout: 900_000 }, (client, { skip }) => {
    const program = programOf(client) ?? skip('not installed')
    return inTurn(async () => {
      const began = Date.now()
      await using run = await CopyRun.start({
        port: broker.port,
        program,
        name: nameOf(client, 'copy'),
        ...(client.options && { options: client.options }),
      })
      await explained(broker, async () => {
        for (let killed = 0; killed < kills; killed++) await run.kill()
        await run.goesOn()
        await run.finish()
        expect(await run.differences()).toEqual([])
      })
      expect(run.ended, 'programs ended by themselves').toEqual([])
      const aborts = run.output.partitions.map(({ aborted }) => aborted).join(' ')
      console.log(
        `${client.name}: ${Date.now() - began} ms, ${run.output.count} records in ${run.committed} transactions, aborts ${aborts}, ${run.aborted.length} by itself`,
      )
    })
  })
})

describe.concurrent('aborted records', () => {
  it.for(transactionClients)('of $name are not seen', { timeout: 300_000 }, (client, { skip }) => {
    if (programOf(client) === undefined) skip('not installed')
    return inTurn(async () => {
      const { reader } = await runMode(client, 'abort')
      reader.partitions.forEach(({ records, aborted, transactions }, number) => {
        expect(records.map(({ value }) => value)).toEqual([0, 1, 2].flatMap(round => thirty(`stays${round}`, number)))
        expect({ aborted, committed: transactions.length }).toEqual({ aborted: 3, committed: 3 })
      })
    })
  })
})

describe.concurrent('two producers with one transactional id', () => {
  it.for(transactionClients)('of $name: the elder is fenced', { timeout: 300_000 }, (client, { skip }) => {
    if (programOf(client) === undefined) skip('not installed')
    return inTurn(async () => {
      const { member, reader } = await runMode(client, 'fence')
      const said = member.lines.find(line => line.startsWith('fenced ')) ?? ''
      expect(said.slice('fenced '.length), member.story).toMatch(client.fenced)
      reader.partitions.forEach(({ records, aborted }, number) => {
        expect(records.map(({ value }) => value)).toEqual(thirty('younger', number))
        expect(aborted).toBe(1)
      })
    })
  })
})
