// What both Node clients are asked to do. A check prints `ok NAME` or `fail NAME: why`.
import { Buffer } from 'node:buffer'
import { inspect } from 'node:util'

export const firstTimestamp = 1_700_000_000_000
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const many = 100_000

/** Record i; some keys and values are null. */
export const nth = i => ({
  key: i % 7 === 0 ? null : `key-${i}`,
  value: i % 14 === 3 ? null : `value-${i}-${'x'.repeat(i % 97)}`,
  headers: { index: String(i), empty: '' },
  timestamp: firstTimestamp + i,
})

const upTo = count => Array.from({ length: count }, (_, i) => nth(i))

const expect = (found, expected) => {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${JSON.stringify(expected)} was expected, ${JSON.stringify(found)} came`)
}
const expectError = async (work, words) => {
  const error = await work().then(
    () => null,
    caught => caught,
  )
  if (error === null) throw new Error('no error came')
  const text = describe(error)
  if (!words.test(text)) throw new Error(`another error came: ${text.slice(0, 300)}`)
}

export async function run(client, prefix) {
  let failed = false
  const check = async (name, body) => {
    try {
      await body()
      console.log(`ok ${name}`)
    } catch (error) {
      failed = true
      console.error(error)
      console.log(`fail ${name}: ${String(error).slice(0, 300)}`)
    }
  }
  for (const codec of codecs) {
    if (client.lacks?.includes(codec)) {
      console.log(`skip codec-${codec}: the client cannot do it on this version of Node`)
      continue
    }
    await check(`codec-${codec}`, async () => {
      await client.create(`${prefix}-codec-${codec}`, 3, {})
      await client.produce(`${prefix}-codec-${codec}`, 1, upTo(300), codec)
    })
  }
  await check('sizes', async () => {
    await client.create(`${prefix}-sizes`, 1, { 'max.message.bytes': '10000000' })
    const records = [1, 1000, 100_000, 1_000_000, 8_000_000].map((size, i) => ({
      ...nth(i + 1),
      value: Buffer.alloc(size, 65 + i),
      headers: {},
    }))
    for (const record of records) await client.produce(`${prefix}-sizes`, 0, [record], 'none')
  })
  await check('many', async () => {
    await client.create(`${prefix}-many`, 1, {})
    const records = upTo(many)
    for (let at = 0; at < many; at += 5000) await client.produce(`${prefix}-many`, 0, records.slice(at, at + 5000), 'gzip')
  })
  await check('by-time', async () => expect(await client.offsetForTime(`${prefix}-many`, 0, firstTimestamp + 77_777), 77_777))
  await check('metadata', async () => expect(await client.partitions(`${prefix}-codec-none`), 3))
  await check('invalid-topic', () =>
    expectError(() => client.produce('bad topic/name', 0, [nth(1)], 'none'), /invalid.*topic|topic.*invalid|INVALID_TOPIC/i),
  )
  await check('oversized', async () => {
    await client.create(`${prefix}-small`, 1, { 'max.message.bytes': '2000' })
    await expectError(
      () => client.produce(`${prefix}-small`, 0, [{ ...nth(1), value: 'x'.repeat(5000) }], 'none'),
      /too.?large|larger than/i,
    )
  })
  await check('admin-alter', async () => {
    await client.alter(`${prefix}-many`, 'retention.ms', '86400001')
    expect(await client.describe(`${prefix}-many`, 'retention.ms'), '86400001')
  })
  await check('admin-partitions', async () => {
    await client.addPartitions(`${prefix}-many`, 4)
    expect(await client.partitions(`${prefix}-many`), 4)
  })
  await check('admin-delete', async () => {
    await client.remove(`${prefix}-small`)
    expect((await client.topics()).includes(`${prefix}-small`), false)
  })
  await client.close()
  process.exit(failed ? 1 : 0)
}

/** An error with all that it wraps, as text. */
const describe = error =>
  [
    error?.type,
    error?.message,
    ...(error?.errors ?? []).map(describe),
    error?.cause ? describe(error.cause) : '',
    error?.response ? inspect(error.response, { depth: 8 }) : '',
  ]
    .filter(Boolean)
    .join(' ')
