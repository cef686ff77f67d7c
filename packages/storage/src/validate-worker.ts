// The other end of `ValidationPool`: a worker thread that checks one batch after the other.

import { parentPort } from 'node:worker_threads'
import { ErrorCode, KafkaError, RecordBatch } from '@ottla/protocol'
import { checkBody, RecordValidationError } from './validate-body.ts'
import type { PoolAnswer, PoolRequest } from './validate-pool.ts'

const answerTo = ({ bytes, rules }: PoolRequest): PoolAnswer => {
  try {
    const body = checkBody(new RecordBatch(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)), rules)
    // A copy of its own: a Buffer may share its memory with others and then cannot be handed over.
    const { rewritten, ...found } = body
    return { body: rewritten === undefined ? found : { ...found, rewritten: Uint8Array.from(rewritten) } }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const code = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
    return error instanceof RecordValidationError ? { code, message, recordErrors: error.recordErrors } : { code, message }
  }
}

const port = parentPort
port?.on('message', (request: PoolRequest) => {
  const answer = answerTo(request)
  const rewritten = 'body' in answer ? answer.body.rewritten : undefined
  port.postMessage(answer, rewritten === undefined ? [] : [rewritten.buffer])
})
