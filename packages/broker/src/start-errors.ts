// What keeps a broker from starting, in one line: the cause and what to do about it.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { StoreError } from '@ottla/metadata'
import { CorruptFileError, DirectoryLockedError } from '@ottla/storage'
import { ConfigProblems } from './config/index.ts'
import { BrokerIdInUse } from './controller/index.ts'

/** The broker cannot start. The message is one line with the cause and the fix. */
export class StartError extends Error {
  constructor(causeAndFix: string, options?: ErrorOptions) {
    super(causeAndFix, options)
    this.name = 'StartError'
  }
}

interface PlatformError extends Error {
  readonly code: string
  readonly path?: string
}

const isPlatformError = (error: unknown): error is PlatformError =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'

/** What can be said of a failed start; an error that nobody expected is given back as it is. */
export function startError(error: unknown): unknown {
  if (error instanceof StartError || error instanceof ConfigProblems) return error
  const message = known(error)
  return message === null ? error : new StartError(message, { cause: error })
}

function known(error: unknown): string | null {
  if (error instanceof DirectoryLockedError) return error.message
  if (error instanceof KafkaError && error.code === ErrorCode.INCONSISTENT_CLUSTER_ID)
    return `${error.message}. Start it with that node.id and cluster id, or choose another directory with log.dirs`
  if (error instanceof BrokerIdInUse) return error.message
  if (error instanceof CorruptFileError) return `${error.message}. Restore the file from a copy, or choose another directory with log.dirs`
  if (error instanceof StoreError && error.kind === 'corrupt')
    return `the metadata store is damaged: ${error.message}. Restore its folder from a copy`
  // A full disk, for one, comes as the cause of what the metadata store says.
  if (isPlatformError(error)) return ofDisk(error)
  return error instanceof Error && error.cause !== undefined ? known(error.cause) : null
}

function ofDisk(error: PlatformError): string | null {
  const where = error.path ?? 'a directory of log.dirs'
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return `no permission to read and write ${where}. Make this user its owner, or choose another directory with log.dirs`
    case 'EROFS':
      return `${where} is on a file system that is mounted read-only. Choose another directory with log.dirs`
    case 'ENOTDIR':
    case 'EEXIST':
      return `${where} is not a directory. Remove the file of that name, or choose another directory with log.dirs`
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space left on the disk of ${where}. Free some space, or choose another directory with log.dirs`
    case 'EIO':
      return `the device of ${where} fails to read or write. Check the disk, or leave the directory out of log.dirs`
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files. Raise the limit (ulimit -n) and start again'
    default:
      return null
  }
}

/** The same for a listener that could not be opened. */
export function listenError(error: unknown, listener: { name: string; host: string; port: number }): unknown {
  if (!isPlatformError(error)) return error
  const { name, host, port } = listener
  const address = `${host === '' ? '' : `${host}:`}${port}`
  const other = `--override listeners=${name}://${host}:${port + 1}`
  const message = {
    EADDRINUSE: `port ${address} of listener ${name} is in use by another program. Stop it, or choose another port: ${other}`,
    EACCES: `no permission to listen on port ${address} (listener ${name}). Choose a port from 1024 on: --override listeners=${name}://${host}:9092`,
    EADDRNOTAVAIL: `this machine has no address ${host} (listener ${name}). Listen on all with an empty host: --override listeners=${name}://:${port}`,
    ENOTFOUND: `the host ${host} of listener ${name} cannot be resolved. Listen on all with an empty host: --override listeners=${name}://:${port}`,
  }[error.code]
  return message === undefined ? error : new StartError(message, { cause: error })
}
