// A member of a group with @platformatic/kafka: `node group-platformatic.mjs BOOTSTRAP GROUP TOPIC MEMBER [protocol=consumer] [instance=ID]`.
// What was handled is committed ten times a second, and when it ends.
import { Consumer, stringDeserializers } from '@platformatic/kafka'
import * as group from './group.mjs'

const { bootstrap, topic, member } = group.place
const membership =
  group.options.protocol === 'consumer'
    ? { groupProtocol: 'consumer' }
    : { sessionTimeout: group.sessionTimeoutMs, heartbeatInterval: group.heartbeatIntervalMs, rebalanceTimeout: 10_000 }
const consumer = new Consumer({
  ...membership,
  ...(group.options.instance === undefined ? {} : { groupInstanceId: group.options.instance }),
  clientId: member,
  groupId: group.place.group,
  bootstrapBrokers: [bootstrap],
  deserializers: stringDeserializers,
})
/** Partition -> the offset after the last record handled. */
let handled = new Map()
let owned = ''

const owns = () => consumer.assignments?.find(assignment => assignment.topic === topic)?.partitions ?? []
const tell = () => {
  const now = owns().join(' ')
  if (now !== owned) group.assigned(owns())
  owned = now
}
const commit = async () => {
  const offsets = [...handled]
    .filter(([partition]) => owns().includes(partition))
    .map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 }))
  handled = new Map()
  if (offsets.length === 0) return
  await consumer.commit({ offsets })
  for (const { partition, offset } of offsets) group.committed(partition, offset)
}

consumer.on('consumer:group:join', () => {
  handled = new Map()
  tell()
})
const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false, maxWaitTime: 200 })
stream.on('data', ({ partition, offset, key, value }) => {
  group.record(partition, offset, { key, value })
  handled.set(partition, offset + 1n)
})
stream.on('error', error => console.error(error))
const timer = setInterval(() => {
  tell()
  // A commit that comes in a rebalance is refused, and what it held is delivered again.
  commit().catch(error => console.error(error.message))
}, 100)
group.onStop(async () => {
  clearInterval(timer)
  await commit().catch(error => console.error(error.message))
  await new Promise(resolve => consumer.close(true, resolve))
})
group.ready()
