// Delegation tokens (KIP-48): passwords of limited life that a user makes for programs.
import { createDelegationTokenApi, describeDelegationTokenApi, expireDelegationTokenApi, renewDelegationTokenApi } from '@ottla/protocol'
import { check } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, invalid } from './calls.ts'
import { shown } from './checks.ts'

/** Somebody, such as `{ principalType: 'User', name: 'alice' }`. */
export interface TokenPrincipal {
  principalType: string
  name: string
}

/** A token. Its id is the user name, and its hmac in base64 the password, of SCRAM with `tokenauth`. */
export interface DelegationToken {
  tokenId: string
  hmac: Buffer
  owner: TokenPrincipal
  issueTimestamp: number
  expiryTimestamp: number
  maxTimestamp: number
  renewers: TokenPrincipal[]
}

/** What an admin does with tokens. */
export interface TokenAdmin {
  createDelegationToken(options?: { owner?: TokenPrincipal; renewers?: TokenPrincipal[]; maxLifetimeMs?: number }): Promise<DelegationToken>
  /** Resolves with the new time of expiry. */
  renewDelegationToken(options: { hmac: Buffer; renewPeriodMs?: number }): Promise<number>
  /** At once unless a period is given. Resolves with the time of expiry. */
  expireDelegationToken(options: { hmac: Buffer; expiryPeriodMs?: number }): Promise<number>
  /** All that the caller may see, unless owners are given. */
  describeDelegationTokens(options?: { owners?: TokenPrincipal[] }): Promise<DelegationToken[]>
}

const principal = ({ principalType, name }: TokenPrincipal) => ({ principalType, principalName: name })
const principalFrom = (of: { principalType: string; principalName: string }): TokenPrincipal => ({
  principalType: of.principalType,
  name: of.principalName,
})

function checkHmac(hmac: unknown): void {
  if (!Buffer.isBuffer(hmac)) invalid(`Invalid hmac ${shown(hmac)}`)
}

const createDelegationToken =
  (parts: AdminParts): TokenAdmin['createDelegationToken'] =>
  ({ owner, renewers = [], maxLifetimeMs = -1 } = {}) =>
    attempting(parts, 'Could not create a delegation token', async () => {
      const { body } = await parts.cluster.request('controller', createDelegationTokenApi, version => ({
        renewers: renewers.map(principal),
        maxLifetimeMs,
        ...((version >= 3 || owner !== undefined) && {
          ownerPrincipalType: owner?.principalType ?? null,
          ownerPrincipalName: owner?.name ?? null,
        }),
      }))
      check(body.errorCode)
      return {
        tokenId: body.tokenId,
        hmac: body.hmac,
        owner: principalFrom(body),
        issueTimestamp: body.issueTimestampMs,
        expiryTimestamp: body.expiryTimestampMs,
        maxTimestamp: body.maxTimestampMs,
        renewers,
      }
    })

const renewDelegationToken =
  (parts: AdminParts): TokenAdmin['renewDelegationToken'] =>
  async ({ hmac, renewPeriodMs = -1 }) => {
    checkHmac(hmac)
    return attempting(parts, 'Could not renew a delegation token', async () => {
      const { body } = await parts.cluster.request('controller', renewDelegationTokenApi, { hmac, renewPeriodMs })
      check(body.errorCode)
      return body.expiryTimestampMs
    })
  }

const expireDelegationToken =
  (parts: AdminParts): TokenAdmin['expireDelegationToken'] =>
  async ({ hmac, expiryPeriodMs = -1 }) => {
    checkHmac(hmac)
    return attempting(parts, 'Could not expire a delegation token', async () => {
      const { body } = await parts.cluster.request('controller', expireDelegationTokenApi, { hmac, expiryTimePeriodMs: expiryPeriodMs })
      check(body.errorCode)
      return body.expiryTimestampMs
    })
  }

const describeDelegationTokens =
  (parts: AdminParts): TokenAdmin['describeDelegationTokens'] =>
  ({ owners } = {}) =>
    attempting(parts, 'Could not describe delegation tokens', async () => {
      const { body } = await parts.cluster.request('any', describeDelegationTokenApi, { owners: owners?.map(principal) ?? null })
      check(body.errorCode)
      return body.tokens.map(({ tokenId, hmac, issueTimestamp, expiryTimestamp, maxTimestamp, renewers, ...owner }) => ({
        tokenId,
        hmac,
        owner: principalFrom(owner),
        issueTimestamp,
        expiryTimestamp,
        maxTimestamp,
        renewers: renewers.map(principalFrom),
      }))
    })

/** Makes the part of an admin that deals with delegation tokens. */
export const tokenAdmin = (parts: AdminParts): TokenAdmin => ({
  createDelegationToken: createDelegationToken(parts),
  renewDelegationToken: renewDelegationToken(parts),
  expireDelegationToken: expireDelegationToken(parts),
  describeDelegationTokens: describeDelegationTokens(parts),
})
