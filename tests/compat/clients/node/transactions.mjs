// What both Node clients do with transactions: `node transactions-CLIENT.mjs MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP [NAME=VALUE...]`.
// See tests/compat/transaction-member.ts for the modes and for what is printed.
const [mode, bootstrap, transactionalId, input, output, group, ...words] = process.argv.slice(2)
/** What the program was started with. */
export const place = { mode, bootstrap, transactionalId, input, output, group }
const options = Object.fromEntries(words.map(word => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
export const sessionTimeoutMs = Number(options.session ?? 2000)
export const recordsPerTransaction = Number(options.records ?? 20)
const partitions = 3

export const say = (...said) => process.stdout.write(`${said.join(' ')}\n`)

const tag = `${process.pid}.${process.hrtime.bigint().toString(36)}`
let transactions = 0
/** The copies of records, as a transaction writes them. */
export const copies = records => {
  transactions += 1
  return records.map(({ key, value }, index) => ({ key: `${key}`, value: `${value} ${tag}.${transactions} ${index} ${records.length}` }))
}

/** Thirty records, ten for each partition. */
const thirty = what =>
  Array.from({ length: 10 * partitions }, (_, i) => ({ partition: i % partitions, key: `k${i}`, value: `${what} ${i}` }))

/** SIGTERM ends the program when `close` is done. */
export const onStop = close => {
  process.once('SIGTERM', () => {
    void close().then(() => process.stdout.write('left\n', () => process.exit(0)))
  })
}

const abort = async producer => {
  for (let round = 0; round < 3; round++) {
    const aborted = await producer.transaction()
    await aborted.send(thirty(`gone${round}`))
    await aborted.abort()
    say('aborted')
    const kept = await producer.transaction()
    await kept.send(thirty(`stays${round}`))
    await kept.commit()
    say('committed', 30)
  }
}

const fence = async (producer, begin) => {
  const elder = await producer.transaction()
  await elder.send(thirty('elder'))
  const younger = await (await begin()).transaction()
  await younger.send(thirty('younger'))
  try {
    await elder.send(thirty('fenced'))
    await elder.commit()
  } catch (error) {
    say('fenced', nameOf(error))
  }
  await younger.commit()
  say('committed', 30)
}

/** Runs the mode: `begin()` gives a producer that is ready, with `transaction()`: { send(records), commit(), abort() }. */
export async function run({ copy, begin }) {
  if (mode === 'copy') {
    await copy()
    return
  }
  const producer = await begin()
  await (mode === 'abort' ? abort(producer) : fence(producer, begin))
  process.stdout.write('left\n', () => process.exit(0))
}

/** Kafka's name of an error, wherever the client put it. */
export const nameOf = error => {
  if (error === undefined || error === null) return 'unknown'
  const own = error.apiId ?? error.type
  if (own !== undefined) return own
  for (const inner of [...(error.errors ?? []), error.cause]) {
    const found = nameOf(inner)
    if (found !== 'unknown') return found
  }
  return error.code === undefined || error.code.startsWith('PLT_KFK') ? 'unknown' : error.code
}
