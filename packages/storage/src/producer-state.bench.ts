import { bench, describe } from 'vitest'
import { ProducerState } from './producer-state.ts'

const state = new ProducerState({ producerIdExpirationMs: 86_400_000 })
let sequence = 0
let offset = 0
const batch = {
  producerId: 7,
  producerEpoch: 0,
  baseSequence: 0,
  lastSequence: 0,
  baseOffset: 0,
  lastOffset: 0,
  maxTimestamp: 1_700_000_000_000,
  isTransactional: false,
}

describe('producer state', () => {
  bench('check, update and confirm 100 batches of an idempotent producer', () => {
    for (let count = 0; count < 100; count++) {
      batch.baseSequence = sequence
      batch.lastSequence = sequence + 9
      batch.baseOffset = offset
      batch.lastOffset = offset + 9
      state.check(batch)
      state.update(batch)
      offset += 10
      sequence = (sequence + 10) % 2_000_000_000
      if (sequence < 10) batch.producerEpoch++
      if (count % 5 === 4) state.confirm(offset)
    }
  })
})
