// SCRAM credentials of users (KIP-554). The password does not leave the client: what is sent is salted and hashed as RFC 5802 says, without
// SASLprep, as Kafka's own clients do.
import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { alterUserScramCredentialsApi, describeUserScramCredentialsApi, ErrorCode } from '@ottla/protocol'
import { check } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, invalid } from './calls.ts'
import { isList, shown } from './checks.ts'

/** How passwords are hashed. */
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** Credentials that a user has. */
export interface UserScramCredentials {
  user: string
  credentials: { mechanism: ScramMechanism; iterations: number }[]
}

/** Sets a user's password for one mechanism, or takes it away. */
export type ScramCredentialChange =
  | { user: string; mechanism: ScramMechanism; password: string; iterations?: number; salt?: Buffer }
  | { user: string; mechanism: ScramMechanism; delete: true }

/** What an admin does with credentials. */
export interface CredentialAdmin {
  /** Of all users unless some are named; those without credentials are left out. */
  describeUserScramCredentials(users?: string[]): Promise<UserScramCredentials[]>
  alterUserScramCredentials(changes: ScramCredentialChange[]): Promise<void>
}

const mechanisms = {
  'SCRAM-SHA-256': { type: 1, digest: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { type: 2, digest: 'sha512', bytes: 64 },
} as const
const names = new Map<number, ScramMechanism>([
  [1, 'SCRAM-SHA-256'],
  [2, 'SCRAM-SHA-512'],
])
const defaultIterations = 4_096
const iterationsLimit = 16_384
const saltBytes = 32
const hashed = promisify(pbkdf2)

const describeUserScramCredentials =
  (parts: AdminParts): CredentialAdmin['describeUserScramCredentials'] =>
  users =>
    attempting(parts, 'Could not describe SCRAM credentials', async () => {
      const { body } = await parts.cluster.request('controller', describeUserScramCredentialsApi, {
        users: users?.map(name => ({ name })) ?? null,
      })
      check(body.errorCode, body.errorMessage)
      return body.results.flatMap(({ user, errorCode, errorMessage, credentialInfos }) => {
        if (errorCode === ErrorCode.RESOURCE_NOT_FOUND) return []
        check(errorCode, errorMessage)
        const sorted = credentialInfos.toSorted((a, b) => a.mechanism - b.mechanism)
        const credentials = sorted.flatMap(({ mechanism, iterations }) => {
          const name = names.get(mechanism)
          return name === undefined ? [] : [{ mechanism: name, iterations }]
        })
        return [{ user, credentials }]
      })
    })

function checkChange(change: ScramCredentialChange): void {
  if (typeof change.user !== 'string' || change.user === '') invalid(`Invalid user ${shown(change.user)}`)
  if (!(change.mechanism in mechanisms)) invalid(`Invalid SCRAM mechanism ${shown(change.mechanism)}`)
  if ('delete' in change) return
  const { iterations = defaultIterations, password } = change
  if (typeof password !== 'string' || password === '') invalid(`Invalid password of user ${change.user}`)
  if (Number.isInteger(iterations) && iterations >= defaultIterations && iterations <= iterationsLimit) return
  invalid(`Invalid iterations ${shown(iterations)} of user ${change.user}: from ${defaultIterations} to ${iterationsLimit}`)
}

async function upsertion(change: Extract<ScramCredentialChange, { password: string }>) {
  const { user, iterations = defaultIterations, salt = randomBytes(saltBytes) } = change
  const { type, digest, bytes } = mechanisms[change.mechanism]
  const saltedPassword = await hashed(change.password, salt, iterations, bytes, digest)
  return { name: user, mechanism: type, iterations, salt, saltedPassword }
}

const alterUserScramCredentials =
  (parts: AdminParts): CredentialAdmin['alterUserScramCredentials'] =>
  async changes => {
    if (!isList(changes)) invalid(`Invalid changes array ${shown(changes)}`)
    for (const change of changes) checkChange(change)
    const deletions = changes
      .filter(change => 'delete' in change)
      .map(({ user, mechanism }) => ({ name: user, mechanism: mechanisms[mechanism].type }))
    const upsertions = await Promise.all(changes.filter(change => 'password' in change).map(upsertion))
    await attempting(parts, 'Could not alter SCRAM credentials', async () => {
      const { body } = await parts.cluster.request('controller', alterUserScramCredentialsApi, { deletions, upsertions })
      for (const { errorCode, errorMessage } of body.results) check(errorCode, errorMessage)
    })
  }

/** Makes the part of an admin that deals with credentials. */
export const credentialAdmin = (parts: AdminParts): CredentialAdmin => ({
  describeUserScramCredentials: describeUserScramCredentials(parts),
  alterUserScramCredentials: alterUserScramCredentials(parts),
})
