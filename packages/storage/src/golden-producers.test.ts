// The batches of logs that Apache Kafka 4.3.1 wrote, entered one after another, give the producer snapshots and the transaction indexes that
// Kafka wrote beside them.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { batchesIn } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import type { ProducerEntry } from './producer-entry.ts'
import { parseProducerSnapshot } from './producer-snapshot.ts'
import { snapshotOffset } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import type { AbortedTransaction } from './transaction-index.ts'

const fixtures = fileURLToPath(new URL('../fixtures/log/', import.meta.url))

interface SeenBatch {
  readonly baseOffset: number
  readonly producerId: number
  readonly isControl: boolean
  readonly records: readonly { timestamp: number; control?: { type: string; coordinatorEpoch: number } }[]
}

/** A partition as Kafka's readers saw it: file name to content. */
const seenIn = (partition: string): Record<string, readonly SeenBatch[]> =>
  JSON.parse(readFileSync(`${fixtures}data-json/${partition}.json`, 'utf8'))

/** What a snapshot stores of an entry. */
const storedOf = (entry: ProducerEntry) => [
  entry.producerId,
  entry.producerEpoch,
  entry.lastSequence,
  entry.lastOffset,
  entry.last?.offsetDelta,
  entry.lastTimestamp,
  entry.coordinatorEpoch,
  entry.transactionFirstOffset,
]
const byProducer = (entries: Iterable<ProducerEntry>) => [...entries].toSorted((a, b) => a.producerId - b.producerId).map(storedOf)

function replay(partition: string): { snapshots: number; aborted: AbortedTransaction[]; stored: unknown[] } {
  const seen = seenIn(partition)
  const names = Object.keys(seen)
  const state = new ProducerState({ producerIdExpirationMs: 1e15 })
  const aborted: AbortedTransaction[] = []
  // The broker was restarted where its second epoch begins, and forgot producers whose records looked old.
  const restart = Number(readFileSync(`${fixtures}data/${partition}/leader-epoch-checkpoint`, 'utf8').split('\n')[3]?.split(' ')[1] ?? 1e15)
  const taken = new Set(names.map(snapshotOffset).filter(offset => offset !== undefined && offset <= restart))
  let snapshots = 0
  const compare = (offset: number) => {
    if (!taken.delete(offset)) return
    const path = `${fixtures}data/${partition}/${String(offset).padStart(20, '0')}.snapshot`
    expect(byProducer(state.entries), path).toEqual(byProducer(parseProducerSnapshot(path, readFileSync(path))))
    snapshots++
  }
  for (const name of names.filter(candidate => candidate.endsWith('.log')).toSorted()) {
    const facts = seen[name] ?? []
    let index = 0
    for (const batch of batchesIn(readFileSync(`${fixtures}data/${partition}/${name}`))) {
      compare(batch.baseOffset)
      const control = facts[index++]?.records[0]?.control
      if (control === undefined) {
        expect(state.check(batch, batch.baseSequence < 0 ? 'coordinator' : 'client')).toBeUndefined()
        state.update(batch)
        continue
      }
      const { producerEpoch, producerId } = batch
      const marker = {
        producerId,
        producerEpoch,
        coordinatorEpoch: control.coordinatorEpoch,
        offset: batch.baseOffset,
        timestamp: batch.maxTimestamp,
        isAbort: control.type === 'ABORT',
      }
      state.checkMarker(marker, { transactionVersion: 2 })
      const completed = state.updateMarker(marker)
      if (completed === undefined || !completed.isAborted) continue
      const { firstOffset, lastOffset, lastStableOffset } = completed
      aborted.push({ producerId, firstOffset, lastOffset, lastStableOffset })
    }
  }
  const stored = names
    .filter(name => name.endsWith('.txnindex'))
    .toSorted()
    .flatMap(name => seen[name] ?? [])
  return { snapshots, aborted, stored }
}

describe('producer state of logs that Kafka wrote', () => {
  it('is what its snapshots hold', () => {
    expect(replay('golden-plain-0').snapshots).toBeGreaterThan(3)
    expect(replay('golden-txn-0').snapshots).toBeGreaterThan(4)
  })

  it('ends transactions as its transaction index says', () => {
    const { aborted, stored } = replay('golden-txn-0')
    expect(aborted.length).toBeGreaterThan(5)
    expect(aborted.map(entry => ({ version: 0, ...entry }))).toEqual(stored)
    const groups = replay('__consumer_offsets-6')
    expect(groups.aborted.map(entry => ({ version: 0, ...entry }))).toEqual(groups.stored)
  })
})
