// Credentials and delegation tokens that the admin client makes, used against Apache Kafka: what it hashes is what the broker compares.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import type { SASLOptions } from '../../packages/client/src/network/sasl/options.ts'
import { available, installed, kafkaJars } from './programs.ts'
import type { SecureKafka } from './secure-kafka.ts'
import { startSecureKafka } from './secure-kafka.ts'

const missing = kafkaJars() === undefined ? "Apache Kafka's jars (.ci/run gets them)" : (installed('java') ?? installed('openssl'))
const there = available('credentials of the admin client against Apache Kafka', missing)

describe.runIf(there)('credentials of the admin', () => {
  let kafka: SecureKafka
  beforeAll(async () => {
    kafka = await startSecureKafka({ 'delegation.token.secret.key': 'secret' })
  })
  afterAll(() => kafka?.[Symbol.asyncDispose]())

  const adminOf = (sasl?: SASLOptions) => {
    const brokers = [sasl === undefined ? kafka.bootstrap.OPEN : kafka.bootstrap.SASL]
    return new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...(sasl !== undefined && { sasl }) }).admin()
  }

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('a password of %s that it set opens the door', async mechanism => {
    await using admin = adminOf()
    const user = `bob-${mechanism}`
    await admin.alterUserScramCredentials([{ user, mechanism, password: 'pässword', iterations: 8192 }])
    await expect.poll(() => admin.describeUserScramCredentials([user])).toEqual([{ user, credentials: [{ mechanism, iterations: 8192 }] }])
    const kind = mechanism === 'SCRAM-SHA-256' ? 'scram-sha-256' : 'scram-sha-512'
    await using bob = adminOf({ mechanism: kind, username: user, password: 'pässword' })
    expect((await bob.describeCluster()).brokers).toHaveLength(1)
    await using other = adminOf({ mechanism: kind, username: user, password: 'password' })
    await expect(other.connect()).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' })
  })

  it('makes, lists, renews and ends delegation tokens', async () => {
    await using alice = adminOf({ mechanism: 'scram-sha-256', username: 'alice', password: 'alice-secret' })
    const owner = { principalType: 'User', name: 'alice' }
    const renewer = { principalType: 'User', name: 'bob' }
    const token = await alice.createDelegationToken({ renewers: [renewer], maxLifetimeMs: 3_600_000 })
    expect(token).toMatchObject({ owner, renewers: [renewer], maxTimestamp: token.issueTimestamp + 3_600_000 })
    await expect.poll(() => alice.describeDelegationTokens({ owners: [owner] })).toEqual([token])
    expect(await alice.describeDelegationTokens()).toHaveLength(1)
    expect(await alice.renewDelegationToken({ hmac: token.hmac, renewPeriodMs: 60_000 })).toBeLessThanOrEqual(token.maxTimestamp)
    await alice.expireDelegationToken({ hmac: token.hmac })
    await expect.poll(() => alice.describeDelegationTokens()).toEqual([])
    await expect(alice.renewDelegationToken({ hmac: token.hmac })).rejects.toMatchObject({ type: 'DELEGATION_TOKEN_NOT_FOUND' })
  })
})
