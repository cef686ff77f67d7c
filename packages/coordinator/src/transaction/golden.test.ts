// What Kafka 4.3.1 wrote into `__transaction_state`, byte for byte.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeRecord, RecordDecoder } from '../record.ts'
import { newTransaction, none, readTransaction, type Transaction, transactionRecord } from './transaction.ts'
import { completed, nextEpoch, prepared, withPartitions } from './transitions.ts'

const folder = new URL('../../../storage/fixtures/log/data-json/', import.meta.url)

interface Batch {
  readonly records: readonly { readonly key: string; readonly value: string | null }[]
}

const partitions = readdirSync(folder)
  .filter(name => name.startsWith('__transaction_state'))
  .map(name => {
    const files: Record<string, readonly Batch[]> = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    const batches = Object.entries(files).flatMap(([file, content]) => (file.endsWith('.log') ? content : []))
    return { name, records: batches.flatMap(({ records }) => records) }
  })

const decoder = new RecordDecoder('__transaction_state')

const transactionOf = ({ key, value }: Batch['records'][number]): Transaction => {
  const record = decoder.decode(Buffer.from(key, 'base64'), value === null ? null : Buffer.from(value, 'base64'))
  const transaction = record === null ? undefined : readTransaction(record)?.transaction
  if (transaction === undefined || transaction === null) throw new Error('no transaction')
  return transaction
}

const stored = (transaction: Transaction): { readonly key: string; readonly value: string | undefined } => {
  const { key, value } = encodeRecord(transactionRecord(transaction, 2))
  return { key: key.toString('base64'), value: value?.toString('base64') }
}

/** The step that leads to what Kafka wrote next. */
const stepTo = (from: Transaction, { state, updatedAtMs: nowMs, ...to }: Transaction): Transaction => {
  if (state === 'Empty') return nextEpoch(from, none, { timeoutMs: to.timeoutMs, nowMs })
  if (state === 'Ongoing') return withPartitions(from, to.partitions, { nowMs, clientVersion: to.clientVersion })
  if (state.startsWith('Complete')) return completed(from, nowMs)
  const { clientVersion, nextProducerId } = to
  return prepared(from, { committed: state === 'PrepareCommit', clientVersion, nextProducerId, nowMs })
}

describe.each(partitions)('$name of Kafka', ({ records }) => {
  it('is read and written as it is', () => {
    expect(records.length).toBeGreaterThan(0)
    for (const { key, value } of records) expect(stored(transactionOf({ key, value }))).toEqual({ key, value })
  })

  it('is what the same steps come to here', () => {
    const latest = new Map<string, Transaction>()
    const steps = new Set<string>()
    for (const { key, value } of records) {
      const to = transactionOf({ key, value })
      const from = latest.get(to.transactionalId) ?? newTransaction(to.transactionalId, to.producerId)
      const next = stepTo(from, to)
      expect(stored(next)).toEqual({ key, value })
      steps.add(`${from.state} to ${to.state}`)
      latest.set(to.transactionalId, next)
    }
    expect(steps.size).toBeGreaterThan(1)
  })
})
