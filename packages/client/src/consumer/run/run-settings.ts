// What a run needs, from what the program gave to `run` or `stream`.
import type { ConsumerConfig, ConsumerRunConfig, EachBatchPayload, StreamOptions } from '../types.ts'
import { Decoder, type HandlerWorld, batchHandler, messageHandler } from './handler.ts'
import type { Handling, RunSettings } from './settings.ts'

/** Who runs. */
export interface Runner {
  readonly config: ConsumerConfig
  readonly clientId: string
}

/** `stop` waits so long for handlers, in ms. */
const defaultStopTimeoutMs = 30_000
const defaultRebalanceTimeoutMs = 60_000
/** The part of the rebalance time-out that handlers have; the rest is for the commit and for joining. */
const revokeShare = 0.9

function handlerWorld({ config, clientId }: Runner): HandlerWorld {
  return { groupId: config.groupId ?? '', clientId, decoder: Decoder.of(config), middleware: config.middleware ?? [] }
}

function settings(runner: Runner, handling: Handling, run: StreamOptions & { readonly partitions: number }): RunSettings {
  const { groupId, stopTimeout = defaultStopTimeoutMs, rebalanceTimeout = defaultRebalanceTimeoutMs, maxPollInterval = 0 } = runner.config
  return {
    handling,
    partitions: run.partitions,
    autoCommit: (run.autoCommit ?? true) && groupId !== null,
    autoCommitIntervalMs: run.autoCommitInterval ?? null,
    autoCommitThreshold: run.autoCommitThreshold ?? null,
    stopTimeoutMs: stopTimeout,
    maxPollIntervalMs: maxPollInterval > 0 && groupId !== null ? maxPollInterval : null,
    hangWarningMs: rebalanceTimeout,
    revokeTimeoutMs: rebalanceTimeout * revokeShare,
  }
}

/** Of `run`. The types of messages are known to the program's handlers only. */
export function runSettings(runner: Runner, run: ConsumerRunConfig): RunSettings {
  const world = handlerWorld(runner)
  const { concurrency = 1, order = 'partition', partitionsConsumedConcurrently = 1, eachMessage, eachBatch } = run
  const byPartition = order === 'partition' || concurrency === 1
  const partitions = byPartition ? Math.max(partitionsConsumedConcurrently, concurrency) : 1
  const { autoCommit, autoCommitInterval, autoCommitThreshold } = run
  const rest = {
    partitions,
    ...(autoCommit === undefined ? {} : { autoCommit }),
    autoCommitInterval: autoCommitInterval ?? null,
    autoCommitThreshold: autoCommitThreshold ?? null,
  }
  if (eachMessage !== undefined && eachMessage !== null) {
    const handler = messageHandler(eachMessage, world)
    return settings(runner, { each: 'message', handler, concurrency, order: byPartition ? 'partition' : order }, rest)
  }
  if (eachBatch !== undefined && eachBatch !== null) {
    const handler = batchHandler(eachBatch, world)
    return settings(runner, { each: 'batch', handler, autoResolve: run.eachBatchAutoResolve ?? true, decoder: world.decoder }, rest)
  }
  return settings(runner, { each: 'nothing' }, rest)
}

/** Of `stream`. */
export function streamSettings(runner: Runner, stream: StreamOptions, handler: (payload: EachBatchPayload) => Promise<void>): RunSettings {
  const { decoder } = handlerWorld(runner)
  return settings(runner, { each: 'batch', handler, autoResolve: stream.by !== 'message', decoder }, { ...stream, partitions: 1 })
}
