// What every MetadataStore must do, as tests.
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Check, Entry, MetadataStore, RevisionChange, StoreError, Transaction, Write } from './store.ts'
import { MAX_OPERATIONS } from './store.ts'

/** How long a disk may take for what is due. */
const PATIENCE = { timeout: 20_000 }

/** One store under test, empty at first, with the ways to disturb it. */
export interface StoreSubject {
  readonly store: MetadataStore
  /** Closes the store and opens it again with what it kept; `store` is the new one. */
  reopen(): Promise<void>
  /** Forgets the history up to now. */
  compact(): Promise<void>
  /** Lets this much time pass for leases; what is due happens soon. */
  passTime(ms: number): Promise<void>
  end(): Promise<void>
}

/** What every implementation of `MetadataStore` must do. */
export function storeContract(name: string, open: () => Promise<StoreSubject>): void {
  describe(`${name}: the contract of a metadata store`, () => {
    let subject: StoreSubject | undefined
    const start = async (): Promise<StoreSubject> => (subject = await open())
    afterEach(async () => {
      await subject?.end()
      subject = undefined
    })
    transactions(start)
    ranges(start)
    watches(start)
    leases(start)
  })
}

type Start = () => Promise<StoreSubject>

const kindOf = (outcome: Promise<unknown>): Promise<string> =>
  outcome.then(
    () => 'nothing',
    (error: StoreError) => error.kind,
  )

function transactions(start: Start): void {
  it('counts revisions, and versions of a key', async () => {
    const { store } = await start()
    expect(await store.get('a')).toBeUndefined()
    const first = await store.commit({ writes: [{ key: 'a', value: '1' }] })
    const second = await store.commit({
      writes: [
        { key: 'a', value: '2' },
        { key: 'b', value: 'x' },
      ],
    })
    expect(second.revision).toBeGreaterThan(first.revision)
    expect(await store.get('a')).toEqual<Entry>({
      key: 'a',
      value: '2',
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2,
      lease: null,
    })
    expect((await store.get('b'))?.createRevision).toBe(second.revision)
    const third = await store.commit({ writes: [{ key: 'a', value: null }] })
    const fourth = await store.commit({ writes: [{ key: 'a', value: '3' }] })
    expect(fourth.revision).toBeGreaterThan(third.revision)
    expect(await store.get('a')).toMatchObject({ createRevision: fourth.revision, version: 1 })
  })

  it('has no revision for what changes nothing', async () => {
    const { store } = await start()
    const { revision } = await store.commit({ writes: [{ key: 'a', value: '1' }] })
    expect(await store.commit({ writes: [] })).toEqual({ succeeded: true, revision })
    expect(await store.commit({ writes: [{ key: 'b', value: null }] })).toEqual({ succeeded: true, revision })
    expect(await store.commit({ checks: [{ key: 'a', version: 7 }], writes: [{ key: 'a', value: null }] })).toEqual({
      succeeded: false,
      revision,
    })
  })

  it('checks create revision, mod revision, version and value, absent keys too', async () => {
    const { store } = await start()
    await store.commit({ writes: [{ key: 'a', value: '1' }] })
    await store.commit({ writes: [{ key: 'a', value: '2' }] })
    const { createRevision, modRevision } = (await store.get('a'))!
    const holding: Check[] = [
      { key: 'a', createRevision },
      { key: 'a', modRevision },
      { key: 'a', version: 2 },
      { key: 'a', value: '2' },
      { key: 'none', createRevision: 0 },
      { key: 'none', modRevision: 0 },
      { key: 'none', version: 0 },
      { key: 'none', value: null },
    ]
    const failing: Check[] = [
      { key: 'a', createRevision: modRevision },
      { key: 'a', modRevision: createRevision },
      { key: 'a', version: 1 },
      { key: 'a', value: '1' },
      { key: 'a', value: null },
      { key: 'a', createRevision: 0 },
      { key: 'none', createRevision: 1 },
      { key: 'none', value: '' },
    ]
    expect((await store.commit({ checks: holding, writes: [] })).succeeded).toBe(true)
    for (const check of failing) {
      const outcome = await store.commit({ checks: [...holding, check], writes: [{ key: 'trace', value: 'x' }] })
      expect(outcome.succeeded, JSON.stringify(check)).toBe(false)
    }
    expect(await store.get('trace')).toBeUndefined()
  })

  it('lets one of many racing transactions win', async () => {
    const { store } = await start()
    const race = Array.from({ length: 20 }, (_, n) =>
      store.commit({ checks: [{ key: 'a', createRevision: 0 }], writes: [{ key: 'a', value: String(n) }] }),
    )
    const won = (await Promise.all(race)).flatMap(({ succeeded }, n) => (succeeded ? [String(n)] : []))
    expect(won).toEqual([(await store.get('a'))?.value])
  })

  it('deletes by prefix in one operation', async () => {
    const { store } = await start()
    await store.commit({ writes: ['a/1', 'a/2', 'b/1'].map(key => ({ key, value: 'x' })) })
    await store.commit({ writes: [{ prefix: 'a/', value: null }] })
    expect((await store.range('')).entries.map(({ key }) => key)).toEqual(['b/1'])
  })

  it('bounds the operations of a transaction and refuses to write a key twice', async () => {
    const { store } = await start()
    const writes = Array.from({ length: MAX_OPERATIONS }, (_, n): Write => ({ key: `k${n}`, value: 'x' }))
    const checks = writes.map((_, n): Check => ({ key: `k${n}`, createRevision: 0 }))
    expect((await store.commit({ checks, writes })).succeeded).toBe(true)
    expect(await kindOf(store.commit({ writes: [...writes, { key: 'more', value: 'x' }] }))).toBe('too-many-operations')
    const many = [...checks, { key: 'more', version: 0 }]
    expect(await kindOf(store.commit({ checks: many, writes: [] }))).toBe('too-many-operations')
    const twice: Transaction['writes'][] = [
      [
        { key: 'a', value: '1' },
        { key: 'a', value: null },
      ],
      [
        { key: 'a/1', value: '1' },
        { prefix: 'a/', value: null },
      ],
    ]
    for (const pair of twice) expect(await kindOf(store.commit({ writes: pair }))).toBe('duplicate-key')
  })

  it('keeps keys, values and revisions when it is opened again', async () => {
    const subject = await start()
    await subject.store.commit({ writes: [{ key: 'a', value: 'ä 😀 "\\\n' }] })
    await subject.store.commit({ writes: [{ key: 'b', value: '' }] })
    const before = await subject.store.range('')
    await subject.reopen()
    expect(await subject.store.range('')).toEqual(before)
    await subject.compact()
    await subject.reopen()
    expect(await subject.store.range('')).toEqual(before)
    const { revision } = await subject.store.commit({ writes: [{ key: 'c', value: '' }] })
    expect(revision).toBeGreaterThan(before.revision)
  })

  it('does what a map does, whatever the order of operations', async () => {
    const { store } = await start()
    const key = fc.constantFrom('a', 'b', 'c/1', 'c/2')
    const write = fc.oneof(fc.record({ key, value: fc.string() }), fc.record({ key, value: fc.constant(null) }))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(write, { maxLength: 3 }), { maxLength: 8 }), async groups => {
        const model = new Map((await store.range('')).entries.map(entry => [entry.key, entry.value]))
        const commits = groups.map(group => {
          const writes = [...new Map(group.map(item => [item.key, item])).values()]
          for (const { key: k, value } of writes)
            if (value === null) model.delete(k)
            else model.set(k, value)
          return store.commit({ writes })
        })
        await Promise.all(commits)
        const { entries } = await store.range('')
        expect(entries.map(entry => [entry.key, entry.value])).toEqual([...model].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      }),
      { numRuns: 50 },
    )
  })
}

function ranges(start: Start): void {
  it('lists a prefix in the order of the keys, in pages', async () => {
    const { store } = await start()
    for (const key of ['b/2', 'b/10', 'a', 'b/1', 'c', 'b0']) await store.commit({ writes: [{ key, value: key }] })
    const all = await store.range('b/')
    expect(all.entries.map(({ key }) => key)).toEqual(['b/1', 'b/10', 'b/2'])
    expect(all.more).toBe(false)
    const page = await store.range('b/', { limit: 2 })
    expect([page.entries.map(({ key }) => key), page.more]).toEqual([['b/1', 'b/10'], true])
    const rest = await store.range('b/', { limit: 2, after: 'b/10' })
    expect([rest.entries.map(({ key }) => key), rest.more]).toEqual([['b/2'], false])
  })
}

function watches(start: Start): void {
  it('tells every change in order, a transaction as a whole', async () => {
    const { store } = await start()
    const { revision } = await store.commit({ writes: [{ key: 'k/old', value: '0' }] })
    const { seen, until, watch } = follow(store, 'k/', revision + 1)
    const first = await store.commit({
      writes: [
        { key: 'k/1', value: '1' },
        { key: 'k/old', value: null },
        { key: 'other', value: 'x' },
      ],
    })
    await store.commit({ writes: [{ key: 'other', value: 'y' }] })
    const last = await store.commit({ writes: [{ key: 'k/1', value: '2' }] })
    await until(() => seen.length === 2)
    expect(seen.map(change => change.revision)).toEqual([first.revision, last.revision])
    expect(seen[0]?.events.map(({ key, entry }) => [key, entry?.value ?? null]).toSorted()).toEqual([
      ['k/1', '1'],
      ['k/old', null],
    ])
    expect(seen[1]?.events[0]?.entry).toEqual(await store.get('k/1'))
    watch.close()
    await store.commit({ writes: [{ key: 'k/1', value: '3' }] })
    await store.get('k/1')
    expect(seen).toHaveLength(2)
  })

  it('begins in the past, also after it was opened again, but not before a compaction', async () => {
    const subject = await start()
    const { revision } = await subject.store.commit({ writes: [{ key: 'a', value: '1' }] })
    await subject.store.commit({ writes: [{ key: 'a', value: '2' }] })
    await subject.reopen()
    await subject.store.commit({ writes: [{ key: 'a', value: '3' }] })
    const past = follow(subject.store, 'a', revision)
    await past.until(() => past.seen.length === 3)
    expect(past.seen.map(change => change.events[0]?.entry?.value)).toEqual(['1', '2', '3'])
    await subject.compact()
    const lost = follow(subject.store, 'a', revision)
    await lost.until(() => lost.errors.length > 0)
    expect([lost.errors[0]?.kind, lost.seen]).toEqual(['compacted', []])
    const { revision: now } = await subject.store.range('')
    const next = follow(subject.store, 'a', now + 1)
    await subject.store.commit({ writes: [{ key: 'a', value: '4' }] })
    await next.until(() => next.seen.length === 1)
  })
}

function leases(start: Start): void {
  it('deletes the keys of an ended lease, and only those', async () => {
    const subject = await start()
    const { store } = subject
    const { id, ttlMs } = await store.grantLease(5000)
    expect(ttlMs).toBeGreaterThanOrEqual(5000)
    await store.commit({
      writes: [
        { key: 'a', value: '1', lease: id },
        { key: 'b', value: '1', lease: id },
        { key: 'c', value: '1' },
      ],
    })
    await store.commit({ writes: [{ key: 'b', value: '2' }] })
    expect((await store.get('a'))?.lease).toBe(id)
    await subject.passTime(ttlMs * 0.6)
    await store.keepAlive(id)
    await subject.passTime(ttlMs * 0.6)
    expect((await store.get('a'))?.value).toBe('1')
    await subject.passTime(ttlMs * 2)
    await vi.waitFor(async () => expect((await store.range('')).entries.map(({ key }) => key)).toEqual(['b', 'c']), PATIENCE)
    expect(await kindOf(store.keepAlive(id))).toBe('lease-not-found')
    expect(await kindOf(store.commit({ writes: [{ key: 'd', value: '', lease: id }] }))).toBe('lease-not-found')
  })

  it('deletes all keys of a revoked lease at one revision', async () => {
    const { store } = await start()
    const { id } = await store.grantLease(60_000)
    const { revision } = await store.commit({ writes: ['z', 'a', 'm'].map(key => ({ key, value: '', lease: id })) })
    const seen: RevisionChange[] = []
    const told = new Promise<void>(resolve => {
      store.watch(
        { prefix: '', fromRevision: revision + 1 },
        {
          changed: revisions => {
            seen.push(...revisions)
            resolve()
          },
          failed: () => resolve(),
        },
      )
    })
    await store.revokeLease(id)
    await store.revokeLease(id)
    await told
    expect(seen.map(change => change.events.map(({ key }) => key))).toEqual([['a', 'm', 'z']])
  })

  it('has no lease outlive its holders by more than its time', async () => {
    const subject = await start()
    const { id, ttlMs } = await subject.store.grantLease(5000)
    await subject.store.commit({ writes: [{ key: 'a', value: '', lease: id }] })
    await subject.reopen()
    await subject.passTime(ttlMs * 2)
    await vi.waitFor(async () => expect(await subject.store.get('a')).toBeUndefined(), PATIENCE)
  })
}

/** Watches and keeps what it hears. */
function follow(store: MetadataStore, prefix: string, fromRevision: number) {
  const seen: RevisionChange[] = []
  const errors: StoreError[] = []
  let wake: (() => void) | undefined
  const watch = store.watch(
    { prefix, fromRevision },
    {
      changed: revisions => {
        seen.push(...revisions)
        wake?.()
      },
      failed: error => {
        errors.push(error)
        wake?.()
      },
    },
  )
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>(resolve => (wake = resolve))
  }
  return { seen, errors, watch, until }
}
