import { recordsOf } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { CleanPace, CompactionAborted } from './clean-pace.ts'
import { CompactedLog, keyedBatch } from './compaction-testing.ts'
import { bytesOf } from './log-testing.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const base = (offset: number, ...suffixes: string[]): string[] => suffixes.map(suffix => `${String(offset).padStart(20, '0')}.${suffix}`)

describe('compaction keeps', () => {
  it('the last record of each key, at its offset, and everything from the active segment on', async () => {
    const test = await CompactedLog.open()
    test.append([
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
    ])
    test.append([['a', '2']])
    test.append([
      ['b', '2'],
      ['d', '1'],
    ])
    test.roll()
    test.append([['a', '3']])
    test.append([['a', '4']])
    const { logEndOffset } = test.log
    const result = await test.compact()
    expect(result).toMatchObject({ firstDirtyOffset: 0, endOffset: 6, isPartial: false, keys: 4 })
    expect(await test.lines()).toEqual(['2 c=1', '3 a=2', '4 b=2', '5 d=1', '6 a=3', '7 a=4'])
    expect([test.log.logEndOffset, test.log.logStartOffset, test.log.cleanedOffset]).toEqual([logEndOffset, 0, 6])
    // The batch still says where it began and ended.
    const [first] = await test.batches()
    expect([first?.baseOffset, first?.lastOffset, first?.recordsCount]).toEqual([0, 2, 1])
    expect(await test.compact()).toBeUndefined()
  })

  it('short and long keys apart, and drops records without key', async () => {
    const test = await CompactedLog.open()
    const long = 'x'.repeat(40)
    test.append([
      [long, '1'],
      [`${long}y`, '1'],
      ['', '1'],
      [null, 'lost'],
      ['fifteen-bytes-k', '1'],
      ['sixteen-bytes-ke', '1'],
    ])
    test.append([
      [long, '2'],
      ['', '2'],
    ])
    test.roll()
    const result = await test.compact()
    expect(result?.counts.recordsWithoutKey).toBe(1)
    expect((await test.lines()).map(line => line.slice(-20))).toEqual(
      [`1 ${long}y=1`, '4 fifteen-bytes-k=1', '5 sixteen-bytes-ke=1', `6 ${long}=2`, '7 =2'].map(line => line.slice(-20)),
    )
  })

  it('tombstones until their horizon, which the first pass sets', async () => {
    const test = await CompactedLog.open()
    test.append([
      ['a', '1'],
      ['b', '1'],
    ])
    test.append([
      ['a', null],
      ['c', '1'],
    ])
    test.roll()
    await test.compact()
    expect(await test.lines()).toEqual(['1 b=1', '2 a=null', '3 c=1'])
    const batch = (await test.batches())[1]
    expect([batch?.hasDeleteHorizon, batch?.baseTimestamp]).toEqual([true, test.clock.now() + DAY_MS])
    expect([...recordsOf(batch!)].map(record => record.timestamp)).toEqual([test.clock.now(), test.clock.now()])
    const horizon = batch?.baseTimestamp
    test.clock.advance(DAY_MS - 1)
    test.append([['d', '1']])
    test.roll()
    await test.compact()
    expect(await test.lines()).toEqual(['1 b=1', '2 a=null', '3 c=1', '4 d=1'])
    expect((await test.batches())[1]?.baseTimestamp).toBe(horizon)
    test.clock.advance(1)
    test.append([['d', '2']])
    test.roll()
    await test.compact()
    expect(await test.lines()).toEqual(['1 b=1', '3 c=1', '5 d=2'])
    expect((await test.batches())[1]).toMatchObject({ hasDeleteHorizon: true, baseTimestamp: horizon })
  })

  it('the compression of each batch, and its times', async () => {
    const test = await CompactedLog.open()
    for (const [index, compression] of (['gzip', 'lz4', 'snappy', 'zstd', 'none'] as const).entries()) {
      test.append(
        [
          ['gone', String(index)],
          [`kept-${index}`, 'v'.repeat(100)],
          ['gone', String(index)],
        ],
        { compression, timestamp: test.clock.now() + index },
      )
    }
    test.append([['gone', 'at last']])
    test.roll()
    await test.compact()
    const batches = await test.batches()
    expect(batches.map(batch => batch.compression)).toEqual(['gzip', 'lz4', 'snappy', 'zstd', 'none', 'none'])
    expect(batches.map(batch => batch.maxTimestamp - test.clock.now())).toEqual([0, 1, 2, 3, 4, 0])
    expect(batches.flatMap(batch => [...recordsOf(batch)]).map(record => record.offset)).toEqual([1, 4, 7, 10, 13, 15])
    expect(await test.log.offsetForTimestamp(test.clock.now() + 3, test.log.logEndOffset)).toMatchObject({ offset: 10 })
  })

  it('the last batch of a producer, without its records', async () => {
    const test = await CompactedLog.open()
    test.append([['a', '1']], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
    test.append(
      [
        ['a', '2'],
        ['b', '2'],
      ],
      { producerId: 7, producerEpoch: 0, baseSequence: 1 },
    )
    test.append([
      ['a', '3'],
      ['b', '3'],
    ])
    test.append([['c', '3']])
    test.roll()
    await test.compact()
    const batches = await test.batches()
    expect(batches.map(batch => [batch.baseOffset, batch.recordsCount, batch.lastSequence])).toEqual([
      [1, 0, 2],
      [3, 2, -1],
      [5, 1, -1],
    ])
    expect(batches[0]?.sizeInBytes).toBe(61)
    // Also a start that knows of nothing but the batches knows what this producer sent last.
    await test.manager.close()
    for (const name of test.names().filter(each => each.endsWith('.snapshot'))) test.disk.unlinkSync(`/logs/c-0/${name}`)
    test.disk.unlinkSync('/logs/.kafka_cleanshutdown')
    await test.start()
    expect(test.log.producers.entry(7)).toMatchObject({ lastSequence: 2, lastOffset: 2 })
  })

  it('what is not replicated, or not settled, or too young', async () => {
    const test = await CompactedLog.open({ config: { minCompactionLagMs: 1000 } })
    const write = () => {
      test.append([['a', '1']])
      test.append([['a', '2']])
      test.roll()
    }
    write()
    expect(await test.compact()).toBeUndefined()
    test.clock.advance(1000)
    write()
    expect(await test.compact()).toMatchObject({ endOffset: 2 })
    test.clock.advance(5000)
    test.log.highWatermark = 3
    expect(await test.compact()).toBeUndefined()
    test.settle()
    test.append([['a', '5']], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
    test.roll()
    write()
    test.clock.advance(5000)
    expect(await test.compact()).toMatchObject({ endOffset: 4 })
    test.end(1, true)
    test.roll()
    test.clock.advance(5000)
    expect(await test.compact()).toMatchObject({ endOffset: 8 })
    expect(await test.lines()).toEqual(['6 a=2'])
  })
})

describe('compaction of transactions', () => {
  it('drops what was aborted at once, and markers after their horizon', async () => {
    const test = await CompactedLog.open()
    const transactional = { producerId: 1, producerEpoch: 0, isTransactional: true }
    test.append([['a', 'committed']], { ...transactional, baseSequence: 0 })
    test.end(1, true)
    test.append([['a', 'aborted']], { ...transactional, baseSequence: 1 })
    test.append([['b', 'aborted']], { ...transactional, baseSequence: 2 })
    test.end(1, false)
    test.append([['b', 'plain']])
    test.roll()
    await test.compact()
    expect(await test.lines()).toEqual(['0 a=committed', '5 b=plain'])
    // The producer's last batch stays empty, so its transaction does too.
    expect((await test.batches()).map(batch => [batch.baseOffset, batch.recordsCount, batch.isControl])).toEqual([
      [0, 1, false],
      [1, 1, true],
      [3, 0, false],
      [4, 1, true],
      [5, 1, false],
    ])
    expect(test.log.segmentAt(0).transactions(test.log.world).entry(0)).toMatchObject({ producerId: 1, firstOffset: 2, lastOffset: 4 })

    test.append([['a', 'plain']], { ...transactional, isTransactional: false, baseSequence: 3 })
    test.roll()
    await test.compact()
    const markers = async () =>
      (await test.batches()).filter(batch => batch.isControl).map(batch => [batch.baseOffset, batch.hasDeleteHorizon])
    expect(await test.lines()).toEqual(['5 b=plain', '6 a=plain'])
    // This pass still came by what they end.
    expect(await markers()).toEqual([
      [1, false],
      [4, false],
    ])
    test.append([['c', 'plain']])
    test.roll()
    await test.compact()
    expect(await markers()).toEqual([
      [1, true],
      [4, true],
    ])
    expect(test.log.segmentAt(0).transactions(test.log.world).entries).toBe(0)
    test.clock.advance(DAY_MS)
    test.append([['c', 'plain']])
    test.roll()
    await test.compact()
    expect(await markers()).toEqual([])
    expect(await test.lines()).toEqual(['5 b=plain', '6 a=plain', '8 c=plain'])
  })

  it('keeps the last marker of a producer without records', async () => {
    const test = await CompactedLog.open({ config: { deleteRetentionMs: 0 } })
    test.append([['a', '1']], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
    test.end(1, true, { producerEpoch: 1 })
    test.append([['a', '2']])
    for (const value of ['3', '4', '5']) {
      test.roll()
      await test.compact()
      test.clock.advance(10)
      test.append([['a', value]])
    }
    expect((await test.batches()).filter(batch => batch.isControl).map(batch => batch.producerEpoch)).toEqual([1])
  })
})

describe('segments', () => {
  it('become one as long as they fit, with all that belongs to it', async () => {
    const test = await CompactedLog.open({ config: { segmentBytes: 1000 } })
    for (let index = 0; index < 60; index++) {
      test.append([[`k${index % 10}`, 'v'.repeat(50)]])
      if (index % 5 === 4) test.roll()
    }
    const epochs = test.log.leaderEpochs.entries
    expect(test.log.segments.length).toBe(13)
    await test.compact()
    expect((await test.lines()).map(line => Number(line.split(' ')[0]))).toEqual(Array.from({ length: 10 }, (_, index) => index + 50))
    test.append([['k0', 'v']])
    test.roll()
    test.log.config = { ...test.config, segmentBytes: 4000 }
    await test.compact()
    expect(test.log.segments.map(segment => segment.baseOffset)).toEqual([0, 61])
    expect(test.log.leaderEpochs.entries).toEqual(epochs)
    test.clock.advance(2000)
    await new Promise(resolve => setImmediate(resolve))
    expect(test.names().filter(name => /^\d/.test(name))).toEqual([...base(0, 'index', 'log', 'timeindex'), ...base(61, 'log', 'snapshot')])
    for (let offset = 0; offset < test.log.writtenOffset; offset++) {
      const data = await test.log.read({ offset, maxBytes: 1, endOffset: test.log.writtenOffset, minOneBatch: true })
      expect(data.nextOffset).toBeGreaterThan(offset)
      data.release()
    }
  })

  it('are read on by who has begun, and searched again by who was searching', async () => {
    const test = await CompactedLog.open({}, { tailCacheBytes: 0, hotBytes: 0 })
    for (let index = 0; index < 20; index++) test.append([['k', String(index)]], { timestamp: test.clock.now() + index })
    test.roll()
    test.append([['end', 'end']], { timestamp: test.clock.now() + 100 })
    const reading = test.log.read({ offset: 3, maxBytes: 200, endOffset: 20, minOneBatch: true })
    const searching = test.log.offsetForTimestamp(test.clock.now() + 30, test.log.logEndOffset)
    await test.compact()
    const data = await reading
    expect(data.baseOffset).toBe(3)
    bytesOf(data)
    expect(await searching).toMatchObject({ offset: 20 })
    expect(await test.lines()).toEqual(['19 k=19', '20 end=end'])
  })

  it('stay as they are when the log goes, is cut or loses some of them meanwhile', async () => {
    for (const disturb of ['delete', 'truncate', 'trim', 'stop'] as const) {
      const test = await CompactedLog.open({ config: { segmentBytes: 500 } })
      for (let index = 0; index < 40; index++) test.append([[`k${index % 4}`, 'v'.repeat(40)]])
      test.roll()
      const stop = new AbortController()
      const work = test.compact({ pace: new CleanPace({ clock: test.clock, sliceMs: -1, signal: stop.signal }), ioBufferBytes: 300 })
      const outcome = work.then(
        () => 'done',
        (error: unknown) => error,
      )
      for (let turn = 0; turn < (disturb === 'trim' ? 3 : 20); turn++) await new Promise(resolve => setImmediate(resolve))
      const path = test.log.path
      if (disturb === 'delete') test.manager.delete('c', 0)
      else if (disturb === 'truncate') await test.log.truncateTo(20)
      else if (disturb === 'trim') test.log.advanceLogStartOffset(12)
      else stop.abort()
      expect([disturb, await outcome]).toEqual([disturb, expect.any(CompactionAborted)])
      const names = test.disk.statSync(path) === undefined ? [] : test.names()
      expect(names.filter(name => /cleaned|swap/.test(name))).toEqual([])
      if (disturb === 'delete') continue
      const found = await test.records()
      expect(found.at(0)?.offset).toBe(test.log.logStartOffset)
      expect(found.length).toBe(test.log.logEndOffset - test.log.logStartOffset)
      if (disturb !== 'truncate') await test.compact()
    }
  })

  it('stay as they are when one is damaged', async () => {
    const test = await CompactedLog.open({ config: { segmentBytes: 500 } })
    for (let index = 0; index < 20; index++) test.append([['k', 'v'.repeat(40)]])
    test.roll()
    const before = await test.records()
    const file = test.disk.openSync(test.log.segmentAt(1).logPath(test.log.path), 'update')
    file.writeSync([Buffer.from('?')], 100)
    file.closeSync()
    await expect(test.compact()).rejects.toThrow('a checksum is wrong')
    expect(before.length).toBe(20)
    expect(test.names().filter(name => /cleaned|swap|deleted/.test(name))).toEqual([])
  })
})

describe('a map that is too small', () => {
  it('takes several passes', async () => {
    const test = await CompactedLog.open()
    for (let round = 0; round < 4; round++) {
      for (let index = 0; index < 50; index += 5) {
        test.append(Array.from({ length: 5 }, (_, at) => [`key-${index + at}`, `${round}`] as const))
      }
    }
    test.roll()
    let passes = 0
    let endOffset = 0
    for (let result = await test.compact({ dedupeBufferBytes: 24 * 20 }); ; result = await test.compact({ dedupeBufferBytes: 24 * 20 })) {
      if (result === undefined) break
      expect(result.endOffset).toBeGreaterThan(endOffset)
      expect(result.keys).toBeLessThanOrEqual(18)
      ;({ endOffset } = result)
      passes++
    }
    expect(passes).toBeGreaterThan(5)
    expect(endOffset).toBe(200)
    expect(await test.lines()).toEqual(Array.from({ length: 50 }, (_, index) => `${150 + index} key-${index}=3`))
  })
})

describe('appends', () => {
  it('go on meanwhile, and are not touched', async () => {
    const test = await CompactedLog.open({ config: { segmentBytes: 1000 } })
    for (let index = 0; index < 100; index++) test.append([[`k${index % 7}`, `${index}`]])
    const state = { compacting: true }
    const work = test.compact({ pace: new CleanPace({ clock: test.clock, sliceMs: -1 }), ioBufferBytes: 200 }).finally(() => {
      state.compacting = false
    })
    const before = test.log.active.baseOffset
    let appended = 100
    while (state.compacting) {
      const batch = keyedBatch([[`k${appended % 7}`, `${appended}`]], { now: test.clock.now() })
      expect(test.log.appendAsLeader(batch, { leaderEpoch: 0 }).baseOffset).toBe(appended++)
      test.settle()
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(await work).toMatchObject({ endOffset: before })
    expect(appended).toBeGreaterThan(110)
    const tail = (await test.records()).filter(record => record.offset >= before)
    expect(tail.map(record => record.value)).toEqual(Array.from({ length: appended - before }, (_, index) => String(before + index)))
  })
})
