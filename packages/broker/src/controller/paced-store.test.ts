import type { CommitResult, Transaction } from '@ottla/metadata'
import { describe, expect, it } from 'vitest'
import { PacedStore } from './paced-store.ts'

const transaction = (name: string, operations: number): Transaction => ({
  writes: Array.from({ length: operations }, (_, at) => ({ key: `${name}/${at}`, value: '' })),
})

/** A store that settles transactions when the test says so. */
const start = () => {
  const begun: { transaction: Transaction; resolve: (result: CommitResult) => void; reject: (error: Error) => void }[] = []
  const paced = new PacedStore({
    commit: asked => new Promise((resolve, reject) => begun.push({ transaction: asked, resolve, reject })),
  })
  return { begun, paced }
}

const done = (revision: number): CommitResult => ({ succeeded: true, revision })
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('a paced store', () => {
  it('lets a bounded number of operations in, in the order in which they came', async () => {
    const { begun, paced } = start()
    const results = Array.from({ length: 10 }, (_, at) => paced.commit(transaction(`t${at}`, 128)))
    await settle()
    expect(begun).toHaveLength(4)
    for (let at = 0; at < 10; at++) {
      expect(begun[at]?.transaction.writes[0]).toMatchObject({ key: `t${at}/0` })
      begun[at]?.resolve(done(at))
      await settle()
      expect(begun).toHaveLength(Math.min(10, 5 + at))
    }
    expect(await Promise.all(results)).toEqual(Array.from({ length: 10 }, (_, at) => done(at)))
  })

  it('lets a transaction that is larger than that go alone, and goes on after a failure', async () => {
    const { begun, paced } = start()
    const first = paced.commit(transaction('large', 1000))
    const second = paced.commit(transaction('small', 1))
    await settle()
    expect(begun).toHaveLength(1)
    begun[0]?.reject(new Error('no'))
    await expect(first).rejects.toThrow('no')
    await settle()
    expect(begun).toHaveLength(2)
    begun[1]?.resolve(done(1))
    expect(await second).toEqual(done(1))
  })
})
