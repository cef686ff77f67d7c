// A fetch that waits is answered also where looking whether there is something for it fails.
import { silentLogger } from '@ottla/metadata'
import { ErrorCode, fetchApi, KafkaError } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { fetch } from '../handlers/fetch.ts'
import { FetchSessions } from './fetch-session.ts'
import { TestReplicas } from './testing.ts'

it('answers a reader of committed records when the producers cannot be read any more', async () => {
  const test = await TestReplicas.open()
  const { clock, random, replicas } = test
  const id = await test.createTopic('a')
  const sessions = new FetchSessions({ clock, random, slots: 10 })
  const handler = fetch({ replicas, sessions, logger: silentLogger, maxBytes: () => 1_000_000 })
  const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  const asked = test.ask(handler, fetchApi, 11, { maxWaitMs: 60_000, minBytes: 1, isolationLevel: 1, topics, forgottenTopicsData: [] })
  // As after a write that failed and could not be taken back from them: they are to be read from the disk, which fails too.
  Object.defineProperty(test.partition('a').log, 'producers', {
    get: () => {
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    },
  })
  await test.changePartition(id, 0, { leaderEpoch: 1 })
  const answer = await asked
  expect(answer?.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  await test.close()
})
