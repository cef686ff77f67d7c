// Answers as a socket may deliver them: together in one piece, and byte by byte.
import { Duplex } from 'node:stream'
import { metadataApi } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { startKafka } from '../index.ts'
import { WireClient } from './wire-client.ts'

/** A stream whose incoming bytes are held back for a moment, and come in pieces of `pieceBytes`. */
function held(stream: Duplex, pieceBytes: number): Duplex {
  let waiting: Buffer[] = []
  const through = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => stream.write(chunk, done),
    destroy: (error, done) => {
      stream.destroy()
      done(error)
    },
  })
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk)
    setTimeout(() => {
      const bytes = Buffer.concat(waiting)
      waiting = []
      for (let at = 0; at < bytes.length; at += pieceBytes) through.push(bytes.subarray(at, at + pieceBytes))
    }, 30)
  })
  return through
}

it.each([1, 7, 1_000_000])('reads answers that come in pieces of %d bytes', async pieceBytes => {
  await using kafka = await startKafka({ topics: { orders: 1 }, transport: 'memory' })
  const wire = new WireClient(() => held(kafka.connect(), pieceBytes))
  const ask = () => wire.request(metadataApi, { topics: [{ name: 'orders' }], allowAutoTopicCreation: false })
  const answers = await Promise.all([ask(), ask(), ask()])
  expect(answers.map(({ topics }) => topics.map(({ name }) => name))).toEqual([['orders'], ['orders'], ['orders']])
  wire.close()
})
