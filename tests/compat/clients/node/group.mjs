// What the Node members of a group print, one line for each event; see tests/compat/group-member.ts for the lines.
const [bootstrap, group, topic, member, ...words] = process.argv.slice(2)
/** Where the member goes, and the options NAME=VALUE it was started with. */
export const place = { bootstrap, group, topic, member }
export const options = Object.fromEntries(words.map(word => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
export const sessionTimeoutMs = Number(options.session ?? 3000)
export const heartbeatIntervalMs = 300

const say = line => process.stdout.write(`${line}\n`)

export const ready = () => say('ready')

/** `partitions` is everything that the member owns now. */
export const assigned = partitions => say(`assigned ${partitions.map(partition => `${topic}-${partition}`).join(' ') || '-'}`)

export const record = (partition, offset, { key, value }) => say(`record ${topic}-${partition} ${offset} ${key} ${value}`)

export const committed = (partition, offset) => say(`committed ${topic}-${partition} ${offset}`)

/** SIGTERM leaves the group, then the program ends. */
export const onStop = close => {
  process.once('SIGTERM', () => {
    void close().then(() => process.stdout.write('left\n', () => process.exit(0)))
  })
}
