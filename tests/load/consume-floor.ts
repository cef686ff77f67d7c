// What no consumer in Node.js goes below: Fetch answers are read from the socket into one buffer and nothing is done with them.
import { connect } from 'node:net'
import { encodeRequest, fetchApi } from '@ottla/protocol'

const LANDING_BYTES = 1024 * 1024
const PARTITION_BYTES = 1024 * 1024

/** Asks for the beginning of each partition again and again; tells how many bytes came, for ever. */
export function drain(port: number, about: { topic: string; partitions: number }, arrived: (bytes: number) => void): void {
  const partitions = Array.from({ length: about.partitions }, (_, partition) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: 0,
    partitionMaxBytes: PARTITION_BYTES,
  }))
  const body = { maxWaitMs: 100, minBytes: 1, maxBytes: 10 * PARTITION_BYTES, topics: [{ topic: about.topic, partitions }] }
  const request = Buffer.concat(encodeRequest({ api: fetchApi, version: 11, correlationId: 1, clientId: 'floor', body }))
  const landing = Buffer.allocUnsafeSlow(LANDING_BYTES)
  // Of the answer under way, its length included; 0 between two, as there is never more than one.
  let left = 0
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: landing,
      callback: size => {
        if (left === 0) left = 4 + landing.readInt32BE(0)
        left -= size
        arrived(size)
        if (left === 0) socket.write(request)
        return true
      },
    },
  })
  socket.on('connect', () => socket.write(request))
  socket.on('error', error => {
    throw error
  })
}
