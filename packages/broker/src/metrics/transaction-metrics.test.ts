// Metrics of transactions, of a whole broker.
import { createTopicsApi, ErrorCode } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { newClient, TransactionClient } from '../handlers/transaction-client.ts'
import { transactionMetrics } from './transaction-metrics.ts'

it('transactions are counted while they last', async () => {
  const broker = await SimulatedBroker.start(3)
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  const { transactions } = broker
  if (transactions === undefined) throw new Error('not started')
  const all = transactionMetrics(transactions)
  const values = async (): Promise<number[]> => {
    for (const { refresh } of all) await refresh?.()
    return all.map(family => [...family.samples()][0]?.value ?? -1)
  }
  const client = new TransactionClient(broker, 'transfers', newClient)
  await client.init()
  expect(await values()).toEqual([0, 1, 0, 0, 0, 0])
  expect(await client.produce({ topic: 't', partition: 0 }, ['a'])).toBe(ErrorCode.NONE)
  broker.clock.advance(2000)
  expect(await values()).toEqual([0, 1, 1, 0, 0, 2])
  await client.end(true)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(await values()).toEqual([0, 1, 0, 0, 0, 0])
  await broker.close()
})
