import { describe, expect, it } from 'vitest'
import { ErrorCode, errorOf, errors, KafkaError } from './errors.ts'

describe('errors', () => {
  it('are Kafka 4.3: each code from -1 to 133 once, each with a sentence of its own', () => {
    expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 135 }, (_, index) => index - 1))
    expect(errors.map(({ name }) => name).toSorted()).toEqual(Object.keys(ErrorCode).toSorted())
    expect(new Set(errors.map(({ message }) => message)).size).toBe(errors.length)
  })

  it('say what a client may do', () => {
    expect(errorOf(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toMatchObject({ code: 6, retriable: true, refreshMetadata: true })
    expect(errorOf(ErrorCode.CORRUPT_MESSAGE)).toMatchObject({ code: 2, retriable: true, refreshMetadata: false })
    expect(errorOf(ErrorCode.MESSAGE_TOO_LARGE)).toMatchObject({ code: 10, retriable: false, refreshMetadata: false })
    expect(errorOf(9999).name).toBe('UNKNOWN_SERVER_ERROR')
  })

  it('are thrown with their code', () => {
    const error = new KafkaError(ErrorCode.INVALID_RECORD)
    expect(error).toMatchObject({ code: 87, errorName: 'INVALID_RECORD', retriable: false, message: errorOf(87).message })
    expect(new KafkaError(ErrorCode.INVALID_CONFIG, 'no such setting').message).toBe('no such setting')
  })

  it('say where they come from only where that is a riddle', () => {
    const limit = Error.stackTraceLimit
    expect(new KafkaError(ErrorCode.INVALID_RECORD).stack).not.toContain('errors.test')
    expect(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR).stack).toContain('errors.test')
    expect(Error.stackTraceLimit).toBe(limit)
  })
})
